"""What there is to choose from in the form of an export, with what was chosen before always among it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from producer.registry.model import Connection
from producer.services.accounts import Sample
from producer.services.identity import Identity
from producer.services.requests import ExportBody
from producer.web.forms.account_cache import CachedAccount
from producer.web.forms.export_form import FIELD, NAMED
from producer.web.rendering.navigation import N_

Option = tuple[str, str]
"""A value, and how it is shown."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Options for the form's fields; `chosen` is what stands in one, which may be nothing that there is."""

    connections: Sequence[Connection]
    glimpse: CachedAccount
    columns: Sequence[str]
    who: Identity

    def connection_options(self) -> list[Option]:
        """Connections that may be used: by their display names for who may see these."""
        return [(one.name, shown_name(one, self.who)) for one in self.connections]

    def list_options(self, chosen: str) -> list[Option]:
        """The account's lists."""
        return _with([(one.id, f"{one.name} ({one.id})") for one in self.glimpse.lists], chosen)

    def column_options(self, chosen: str) -> list[Option]:
        """The latest snapshot's columns."""
        return _with([(column, column) for column in self.columns], chosen)

    def field_options(self, chosen: str) -> list[Option]:
        """The account's custom fields, as attributes."""
        options = [(FIELD + one.id, f"{one.title} ({one.id})") for one in self.glimpse.fields]
        return _with(options, chosen) if chosen.startswith(FIELD) else options

    def mark_options(self, chosen: str) -> list[Option]:
        """The account's custom fields, to mark who is in the segment."""
        return _with([(one.id, f"{one.title} ({one.id})") for one in self.glimpse.fields], chosen)

    def title(self, field_id: str) -> str:
        """What a custom field is called, its id where that is not known."""
        return next((one.title for one in self.glimpse.fields if one.id == field_id), field_id)

    def preview_columns(self, body: ExportBody | None) -> list[Option]:
        """What a preview shows besides the address: attributes that are mapped, by their names."""
        if body is None:
            return []
        mapping = body.mapping
        named = [(name, label) for name, label in NAMED.items() if getattr(mapping, name)]
        fields = [(FIELD + field_id, self.title(field_id)) for field_id in mapping.fields]
        return [*named, *fields, *([("tags", N_("Tags"))] if mapping.tags or mapping.tags_column else [])]


def preview_value(sample: Sample, key: str) -> str:
    """Return what a contact would have there, empty if nothing."""
    contact: Any = sample.contact or {}
    if key == "tags":
        return ", ".join(contact.get("tags", ()))
    if key.startswith(FIELD):
        number = int(key.removeprefix(FIELD))
        return next((str(one["value"]) for one in contact.get("fields", ()) if one["id"] == number), "")
    return str(contact.get(key, ""))


def shown_name(connection: Connection, who: Identity) -> str:
    """Return what a connection is called to somebody: its display name is for administrators."""
    return f"{connection.display_name} ({connection.host})" if who.is_admin else connection.name


def _with(options: list[Option], chosen: str) -> list[Option]:
    if not chosen or any(value == chosen for value, _ in options):
        return options
    return [*options, (chosen, chosen.removeprefix(FIELD))]
