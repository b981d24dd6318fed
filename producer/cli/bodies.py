"""From options to request bodies: what was not said is left out, so that the API's own defaults stay the only ones; pure.

On a change, an option that is said empty takes its value away.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

JsonBody = dict[str, Any]

COLUMNS: Final = ("email", "first_name", "last_name", "phone", "tags_column", "id")
LIMITS: Final = ("imports_per_minute", "single_imports_per_minute", "requests_per_second")


def export_body(said: Mapping[str, Any]) -> JsonBody:
    """Write an export, or a change to one."""
    mapping: JsonBody = {name: said[name] or None for name in COLUMNS if said[name] is not None}
    if said["fields"]:
        mapping["fields"] = fields(said["fields"])
    if said["tags"]:
        mapping["tags"] = [tag for tag in said["tags"] if tag]
    plain = {
        name: value for name, value in said.items() if name not in {*COLUMNS, "fields", "tags", "schedule", "zone"}
    }
    if (said.get("schedule"), said.get("zone")) != (None, None):
        plain["schedule"] = schedule(said.get("schedule"), said.get("zone"))
    if plain.get("leavers_field"):
        plain["leavers_field"] = leavers_field(plain["leavers_field"])
    for option in ("brake", "leavers_guard"):
        if plain.get(option):
            plain[option] = thresholds(option, plain[option])
    return _said(plain) | ({"mapping": mapping} if mapping else {})


def connection_body(said: Mapping[str, Any]) -> JsonBody:
    """Write a connection, or a change to one; its key is no option and comes later."""
    limits = {name: said[name] for name in LIMITS if said[name] is not None}
    plain = {name: value for name, value in said.items() if name not in LIMITS}
    return _said(plain) | ({"limits": limits} if limits else {})


def schedule(cron: str | None, zone: str | None) -> JsonBody | str:
    """Write a schedule, or a change to one; said empty, it goes."""
    return "" if cron == "" else _said({"cron": cron, "zone": zone})


def fields(said: Sequence[str]) -> dict[str, str | None]:
    """Read `ID=COLUMN` for each custom field; UsageError names every one that is something else."""
    wrong = [text for text in said if "=" not in text]
    if wrong:
        raise click.UsageError(f"--field must be ID=COLUMN, like 7=LoyaltyTier, not {', '.join(map(repr, wrong))}.")
    pairs = (text.split("=", 1) for text in said)
    return {number.strip(): column or None for number, column in pairs}


def leavers_field(said: str) -> JsonBody:
    """Read `ID=LEFT:PRESENT`; UsageError if it is something else."""
    number, equals, values = said.partition("=")
    left, colon, present = values.partition(":")
    if not (equals and colon):
        raise click.UsageError(f"--leavers-field must be ID=LEFT:PRESENT, like 9=left:present, not {said!r}.")
    return {"id": number.strip(), "left": left, "present": present}


def thresholds(option: str, said: str) -> JsonBody:
    """Read `SHARE:NUMBER`; UsageError if it is something else."""
    share, _, number = said.partition(":")
    try:
        return {"share": float(share), "number": int(number)}
    except ValueError:
        raise click.UsageError(
            f"--{option.replace('_', '-')} must be SHARE:NUMBER, like 0.3:1000, not {said!r}."
        ) from None


def _said(options: Mapping[str, Any]) -> JsonBody:
    return {name: None if value == "" else value for name, value in options.items() if value is not None}
