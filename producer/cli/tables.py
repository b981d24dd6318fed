"""From the API's documents to tables for people; pure. What a document holds is shown as text, never obeyed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

JsonObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its title, and where in a document its cells are, by dotted names."""

    title: str
    path: str
    number: bool = False


CONNECTIONS: Final = (
    TableColumn("NAME", "name"),
    TableColumn("HOST", "host"),
    TableColumn("IMPORTS/MIN", "limits.imports_per_minute", number=True),
    TableColumn("ALLOW", "allow"),
    TableColumn("ACCOUNT", "account"),
    TableColumn("WARNING", "warning"),
)
EXPORTS: Final = (
    TableColumn("NAME", "name"),
    TableColumn("SEGMENT", "segment"),
    TableColumn("CONNECTION", "connection"),
    TableColumn("LIST", "list_id", number=True),
    TableColumn("LEAVERS", "leavers"),
    TableColumn("AUTOMATIONS", "automations"),
    TableColumn("ENABLED", "enabled"),
    TableColumn("SCHEDULED", "next_scheduled"),
    TableColumn("WARNINGS", "warnings.detail"),
)
AUDIT: Final = (
    TableColumn("AT", "at"),
    TableColumn("WHO", "who"),
    TableColumn("FROM", "remote"),
    TableColumn("WHAT", "what"),
    TableColumn("ON", "about"),
    TableColumn("RUN", "run"),
    TableColumn("SAYS", "says"),
)
DIAGNOSES: Final = (
    TableColumn("", "health"),
    TableColumn("WHERE", "area"),
    TableColumn("WHAT", "name"),
    TableColumn("SAYS", "says"),
    TableColumn("MEND", "mend"),
)
CONTEXTS: Final = (
    TableColumn("NAME", "name"),
    TableColumn("IN USE", "current"),
    TableColumn("URL", "url"),
    TableColumn("TOKEN", "token"),
)
SEGMENTS: Final = (
    TableColumn("SEGMENT", "name"),
    TableColumn("REFRESHED", "refreshed"),
    TableColumn("EXPORTS", "exports"),
    TableColumn("SNAPSHOT", "snapshot"),
    TableColumn("WARNINGS", "warnings.detail"),
)
EVENTS: Final = (
    TableColumn("RECEIVED", "received"),
    TableColumn("SOURCE", "source"),
    TableColumn("ID", "id"),
    TableColumn("REASON", "reason"),
)
TOKENS: Final = (
    TableColumn("NAME", "name"),
    TableColumn("ROLE", "role"),
    TableColumn("CREATED", "created"),
    TableColumn("BY", "created_by"),
    TableColumn("EXPIRES", "expires"),
    TableColumn("EXPIRED", "expired"),
    TableColumn("LAST USED", "last_used"),
)
NOTIFICATIONS: Final = (
    TableColumn("NAME", "name"),
    TableColumn("KIND", "kind"),
    TableColumn("TO", "to"),
    TableColumn("EVENTS", "events"),
    TableColumn("EXPORTS", "exports"),
    TableColumn("ENABLED", "enabled"),
    TableColumn("WAITING", "waiting", number=True),
    TableColumn("DEAD", "dead", number=True),
)
DELIVERIES: Final = (
    TableColumn("ID", "id"),
    TableColumn("TYPE", "type"),
    TableColumn("STATE", "state"),
    TableColumn("ATTEMPTS", "attempts", number=True),
    TableColumn("CREATED", "created"),
    TableColumn("NEXT", "next_attempt"),
    TableColumn("NOTE", "note"),
    TableColumn("DETAIL", "message.data.detail"),
)
RUNS: Final = (
    TableColumn("ID", "id"),
    TableColumn("EXPORT", "export"),
    TableColumn("STATE", "state"),
    TableColumn("SELECTED", "books.selected", number=True),
    TableColumn("APPLIED", "books.applied", number=True),
    TableColumn("REFUSED", "books.refused", number=True),
    TableColumn("CREATED", "created"),
    TableColumn("FINISHED", "finished"),
    TableColumn("ERROR", "error"),
)
SCHEDULED: Final = (
    TableColumn("EXPORT", "export"),
    TableColumn("RUN", "run"),
    TableColumn("NOT RUN", "reason"),
)
REJECTS: Final = (
    TableColumn("ROW", "row", number=True),
    TableColumn("EMAIL", "email"),
    TableColumn("FATE", "fate"),
    TableColumn("CODE", "code"),
    TableColumn("REASON", "reason"),
)
CHANGED_ADDRESSES: Final = (*REJECTS[:2], TableColumn("FORMER", "former"), *REJECTS[3:])
SNAPSHOT_COLUMNS: Final = (
    TableColumn("COLUMN", "name"),
    TableColumn("TYPE", "type"),
)


def table(columns: Sequence[TableColumn], documents: Sequence[JsonObject]) -> Table:
    """Lay out documents, one a row."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for document in documents:
        made.add_row(*(Text(cell(_at(document, column.path))) for column in columns))
    return made


def rows(documents: Sequence[JsonObject]) -> Table:
    """Lay out rows under the names that they have themselves."""
    names = list(dict.fromkeys(name for document in documents for name in document))
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        made.add_column(Text(printable(name)), overflow="fold")
    for document in documents:
        made.add_row(*(Text(cell(document.get(name))) for name in names))
    return made


def page(columns: Sequence[TableColumn], document: JsonObject) -> Table | Text:
    """Lay out a list as the API answers it."""
    items: Sequence[JsonObject] = document["items"]
    return table(columns, items) if items else Text("There are none.")


def scheduled_runs(document: JsonObject) -> Table | Text:
    """Lay out what became of every export that has a schedule."""
    items = [*document["runs"], *document["skipped"]]
    return table(SCHEDULED, items) if items else Text("No export has a schedule.")


def channels(document: JsonObject) -> Table | Text:
    """Lay out notification channels: where each goes to, and `all` where it is told of every export."""
    items = [
        {**one, "to": one["url"] or one["addresses"], "exports": "all" if one["exports"] is None else one["exports"]}
        for one in document["items"]
    ]
    return page(NOTIFICATIONS, {"items": items})


def explanation(document: JsonObject) -> Group:
    """Lay out what is known of one person, export by export."""
    parts: list[RenderableType] = [details({"forgotten": document["forgotten"]})]
    for one in document["exports"]:
        lists = {name: one[name] for name in ("on_the_way", "rejected", "left_behind")}
        parts += [Text(), details({name: value for name, value in one.items() if name not in lists})]
        parts += [_titled(name, value) for name, value in lists.items() if value]
    return Group(*parts)


def _titled(title: str, documents: Sequence[JsonObject]) -> Group:
    return Group(
        Text(title, style="bold"), table([TableColumn(name.upper(), name) for name in documents[0]], documents)
    )


def details(document: JsonObject) -> Table:
    """Lay out one document, a line for each of its fields."""
    made = Table(box=None, show_header=False, pad_edge=False)
    for path, value in _leaves(document, ""):
        made.add_row(Text(path, style="bold"), Text(cell(value), overflow="fold"))
    return made


def cell(value: Any) -> str:
    """Write a value for people; what a terminal would obey is made visible instead."""
    match value:
        case None | [] | {}:
            return "-"
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,g}"
        case list():
            return ", ".join(cell(one) for one in value)
        case _:
            return printable(_moment(str(value)))


def printable(text: str) -> str:
    """Replace what does not print: an address in a snapshot could carry a terminal's control sequences."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _moment(text: str) -> str:
    """Shorten a time of RFC 3339 to whole seconds in UTC; any other text stays as it is."""
    if "T" not in text or not text.endswith("Z"):
        return text
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except ValueError:
        return text


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        if isinstance(document, list):
            document = [_at(one, name) for one in document]
        else:
            document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, f"{path}.{number}")
    else:
        yield path, value
