"""From the API's documents to tables for people; pure. What a document holds is shown as text, never obeyed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and where in a document its cells are, by dotted names."""

    title: str
    path: str
    number: bool = False


CONNECTIONS: Final = (
    Column("NAME", "name"),
    Column("HOST", "host"),
    Column("IMPORTS/MIN", "limits.imports_per_minute", number=True),
    Column("ALLOW", "allow"),
    Column("ACCOUNT", "account"),
    Column("WARNING", "warning"),
)
EXPORTS: Final = (
    Column("NAME", "name"),
    Column("SEGMENT", "segment"),
    Column("CONNECTION", "connection"),
    Column("LIST", "list_id", number=True),
    Column("LEAVERS", "leavers"),
    Column("AUTOMATIONS", "automations"),
    Column("ENABLED", "enabled"),
    Column("SCHEDULED", "next_scheduled"),
    Column("WARNINGS", "warnings.detail"),
)
AUDIT: Final = (
    Column("AT", "at"),
    Column("WHO", "who"),
    Column("FROM", "remote"),
    Column("WHAT", "what"),
    Column("ON", "about"),
    Column("RUN", "run"),
    Column("SAYS", "says"),
)
DIAGNOSES: Final = (
    Column("", "health"),
    Column("WHERE", "area"),
    Column("WHAT", "name"),
    Column("SAYS", "says"),
    Column("MEND", "mend"),
)
CONTEXTS: Final = (
    Column("NAME", "name"),
    Column("IN USE", "current"),
    Column("URL", "url"),
    Column("TOKEN", "token"),
)
SEGMENTS: Final = (
    Column("SEGMENT", "name"),
    Column("REFRESHED", "refreshed"),
    Column("EXPORTS", "exports"),
    Column("SNAPSHOT", "snapshot"),
    Column("WARNINGS", "warnings.detail"),
)
EVENTS: Final = (
    Column("RECEIVED", "received"),
    Column("SOURCE", "source"),
    Column("ID", "id"),
    Column("REASON", "reason"),
)
TOKENS: Final = (
    Column("NAME", "name"),
    Column("ROLE", "role"),
    Column("CREATED", "created"),
    Column("BY", "created_by"),
    Column("EXPIRES", "expires"),
    Column("EXPIRED", "expired"),
    Column("LAST USED", "last_used"),
)
NOTIFICATIONS: Final = (
    Column("NAME", "name"),
    Column("KIND", "kind"),
    Column("TO", "to"),
    Column("EVENTS", "events"),
    Column("EXPORTS", "exports"),
    Column("ENABLED", "enabled"),
    Column("WAITING", "waiting", number=True),
    Column("DEAD", "dead", number=True),
)
DELIVERIES: Final = (
    Column("ID", "id"),
    Column("TYPE", "type"),
    Column("STATE", "state"),
    Column("ATTEMPTS", "attempts", number=True),
    Column("CREATED", "created"),
    Column("NEXT", "next_attempt"),
    Column("NOTE", "note"),
    Column("DETAIL", "message.data.detail"),
)
RUNS: Final = (
    Column("ID", "id"),
    Column("EXPORT", "export"),
    Column("STATE", "state"),
    Column("SELECTED", "books.selected", number=True),
    Column("APPLIED", "books.applied", number=True),
    Column("REFUSED", "books.refused", number=True),
    Column("CREATED", "created"),
    Column("FINISHED", "finished"),
    Column("ERROR", "error"),
)
SCHEDULED: Final = (
    Column("EXPORT", "export"),
    Column("RUN", "run"),
    Column("NOT RUN", "reason"),
)
REJECTS: Final = (
    Column("ROW", "row", number=True),
    Column("EMAIL", "email"),
    Column("FATE", "fate"),
    Column("CODE", "code"),
    Column("REASON", "reason"),
)
CHANGED_ADDRESSES: Final = (*REJECTS[:2], Column("FORMER", "former"), *REJECTS[3:])
SNAPSHOT_COLUMNS: Final = (
    Column("COLUMN", "name"),
    Column("TYPE", "type"),
)


def table(columns: Sequence[Column], documents: Sequence[Document]) -> Table:
    """Lay out documents, one a row."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column.title, justify="right" if column.number else "left", overflow="fold")
    for document in documents:
        made.add_row(*(Text(cell(_at(document, column.path))) for column in columns))
    return made


def rows(documents: Sequence[Document]) -> Table:
    """Lay out rows under the names that they have themselves."""
    names = list(dict.fromkeys(name for document in documents for name in document))
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in names:
        made.add_column(Text(printable(name)), overflow="fold")
    for document in documents:
        made.add_row(*(Text(cell(document.get(name))) for name in names))
    return made


def page(columns: Sequence[Column], document: Document) -> Table | Text:
    """Lay out a list as the API answers it."""
    items: Sequence[Document] = document["items"]
    return table(columns, items) if items else Text("There are none.")


def scheduled_runs(document: Document) -> Table | Text:
    """Lay out what became of every export that has a schedule."""
    items = [*document["runs"], *document["skipped"]]
    return table(SCHEDULED, items) if items else Text("No export has a schedule.")


def channels(document: Document) -> Table | Text:
    """Lay out notification channels: where each goes to, and `all` where it is told of every export."""
    items = [
        {**one, "to": one["url"] or one["addresses"], "exports": "all" if one["exports"] is None else one["exports"]}
        for one in document["items"]
    ]
    return page(NOTIFICATIONS, {"items": items})


def explanation(document: Document) -> Group:
    """Lay out what is known of one person, export by export."""
    parts: list[RenderableType] = [details({"forgotten": document["forgotten"]})]
    for one in document["exports"]:
        lists = {name: one[name] for name in ("on_the_way", "rejected", "left_behind")}
        parts += [Text(), details({name: value for name, value in one.items() if name not in lists})]
        parts += [_titled(name, value) for name, value in lists.items() if value]
    return Group(*parts)


def _titled(title: str, documents: Sequence[Document]) -> Group:
    return Group(Text(title, style="bold"), table([Column(name.upper(), name) for name in documents[0]], documents))


def details(document: Document) -> Table:
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
