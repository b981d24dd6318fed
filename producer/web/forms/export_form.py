"""What stands in the form of an export, as the API would be told it, and back; which field a fault is of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from producer.services.errors import Fault
from producer.web.forms.form import Form, as_text, dotted, number, whole, without_blanks
from producer.web.rendering.navigation import N_

NAMED: Final = {
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "phone": N_("Telephone"),
}
"""Attributes that every account has; the others are its custom fields."""

FIELD: Final = "field:"
ROWS_MOST: Final = 100
TWICE: Final = N_("This attribute is filled already.")
NEEDS_COLUMN: Final = N_("Choose the column that it comes from.")
NEEDS_ATTRIBUTE: Final = N_("Choose what the column becomes.")
UNSUBSCRIBE: Final = N_("Confirm it: whoever leaves the segment is unsubscribed for ever.")

NUMBERS: Final = (
    "budget_minutes",
    "patience_minutes",
    "delivery_patience_minutes",
    "full_every_days",
    "stale_after_hours",
)
OFF_BY_NULL: Final = ("brake", "leavers_guard")
"""Safeguards of an export, which null turns off; a box of the form says whether they are on."""

PLACES: Final = {
    "leavers_field is a field that is mapped already": "leavers_field.id",
    "leavers_field is for leavers: field, which needs it": "leavers",
}
"""Faults that the API tells of the whole body, by the field that they are of."""


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One more attribute: what it is for ActiveCampaign, and the column it comes from."""

    attribute: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class SubmittedForm:
    """What a form says: the document for the API, and where the faults of its rows belong."""

    document: dict[str, Any]
    places: Mapping[str, str] = field(default_factory=dict)

    def place(self, fault: Fault) -> str:
        """Return the field of a fault."""
        if fault.pointer in self.places:
            return self.places[fault.pointer]
        if fault.pointer.startswith("/mapping/"):
            return fault.pointer.split("/")[2]
        return PLACES.get(fault.detail, dotted(fault))


def rows_of(sheet: Form) -> list[MappingRow]:
    """Return the rows as they stand in the form."""
    attributes, columns = sheet.typed.getall("attribute", []), sheet.typed.getall("column", [])
    return [MappingRow(one.strip(), other.strip()) for one, other in zip(attributes, columns, strict=False)][:ROWS_MOST]


def submitted(sheet: Form) -> SubmittedForm:
    """Read the form; faults of rows, which the API never hears of, are noted in the sheet."""
    mapping, places = _mapping(sheet)
    document: dict[str, Any] = {
        **{name: sheet.said(name) for name in ("name", "connection", "segment")},
        "list_id": sheet.said("list_other") or sheet.said("list_id"),
        "mapping": mapping,
        "leavers": sheet.said("leavers") or "keep",
        "changed_address": sheet.said("changed_address") or "update",
        "leavers_confirm": sheet.said("leavers_confirm") or "next_refresh",
        "confirm_unsubscribe": sheet.ticked("confirm_unsubscribe"),
        "automations": sheet.ticked("automations"),
        "enabled": sheet.ticked("enabled"),
        "default_region": sheet.said("default_region").upper(),
        "full_every_runs": whole(sheet.said("full_every_runs")),
        **{name: number(sheet.said(name)) for name in NUMBERS},
    }
    if document["leavers"] == "field":
        document["leavers_field"] = {name: sheet.said(f"leavers_field.{name}") for name in ("id", "left", "present")}
    if sheet.said("schedule.cron"):
        document["schedule"] = {name: sheet.said(f"schedule.{name}") for name in ("cron", "zone")}
    document["brake"] = _thresholds(sheet, "brake")
    if document["leavers"] == "unsubscribe":  # else nothing is said of the guard, and it stays on
        document["leavers_guard"] = _thresholds(sheet, "leavers_guard")
    nested = {name: without_blanks(value) for name, value in document.items() if isinstance(value, dict)}
    document = document | nested
    return SubmittedForm({name: None if value == "" else value for name, value in document.items()}, places)


def typed(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write an export, as the API shows it, into the fields of the form."""
    mapping, mark = document["mapping"], document.get("leavers_field") or {}
    schedule = document.get("schedule") or {}
    fields = [
        *((name, as_text(document.get(name))) for name in ("name", "connection", "segment", "list_id", "leavers")),
        ("changed_address", as_text(document.get("changed_address"))),
        ("leavers_confirm", as_text(document.get("leavers_confirm"))),
        *((name, as_text(document.get(name))) for name in ("default_region", "full_every_runs", *NUMBERS)),
        ("email", as_text(mapping.get("email"))),
        ("person_id", as_text(mapping.get("id"))),
        ("tags", ", ".join(mapping.get("tags") or ())),
        ("tags_column", as_text(mapping.get("tags_column"))),
        *((f"leavers_field.{name}", as_text(mark.get(name))) for name in ("id", "left", "present")),
        *((f"schedule.{name}", as_text(schedule.get(name))) for name in ("cron", "zone")),
        *((name, "yes") for name in ("automations", "enabled") if document.get(name)),
    ]
    for name in OFF_BY_NULL:
        thresholds = document.get(name)
        if thresholds is not None:
            fields += [
                (name, "yes"),
                (f"{name}.share", as_text(thresholds["share"] * 100)),
                (f"{name}.number", as_text(thresholds["number"])),
            ]
    rows = [(name, mapping[name]) for name in NAMED if mapping.get(name)]
    rows += [(FIELD + field_id, column) for field_id, column in (mapping.get("fields") or {}).items()]
    for attribute, column in rows:
        fields += [("attribute", attribute), ("column", column)]
    return fields


def _mapping(sheet: Form) -> tuple[dict[str, Any], dict[str, str]]:
    mapping: dict[str, Any] = {
        "email": sheet.said("email"),
        "tags": [tag for part in sheet.said("tags").split(",") if (tag := part.strip())],
        "tags_column": sheet.said("tags_column"),
        "id": sheet.said("person_id"),
    }
    fields: dict[str, str] = {}
    places: dict[str, str] = {"/mapping/id": "person_id"}
    for index, row in enumerate(rows_of(sheet)):
        if row == MappingRow():
            continue
        of_field = row.attribute.startswith(FIELD)
        name = row.attribute.removeprefix(FIELD)
        into = fields if of_field else mapping
        if not row.attribute:
            sheet.fault(f"attribute-{index}", NEEDS_ATTRIBUTE)
        elif not row.column:
            sheet.fault(f"column-{index}", NEEDS_COLUMN)
        elif name in into or not (of_field or name in NAMED):
            sheet.fault(f"attribute-{index}", TWICE)
        else:
            into[name] = row.column
            places[f"/mapping/fields/{name}" if of_field else f"/mapping/{name}"] = f"column-{index}"
    return without_blanks(mapping) | {"fields": fields}, places


def _thresholds(sheet: Form, name: str) -> dict[str, Any] | None:
    if not sheet.ticked(name):
        return None
    share = number(sheet.said(f"{name}.share"))
    return {"share": share / 100 if isinstance(share, float) else share, "number": whole(sheet.said(f"{name}.number"))}
