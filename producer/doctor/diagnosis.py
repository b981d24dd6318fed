"""What a look at one thing found: how it is, in a sentence, and what to mend. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class DiagnosisHealth(StrEnum):
    """How something is: `warning` works, and a person should know; `wrong` does not work, or loses something."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


Area = Literal["api", "settings", "store", "queue", "clock", "workers", "account", "list", "snapshots"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing, by area and name; `mend` is what to do, if there is something."""

    area: Area
    name: str
    health: DiagnosisHealth
    says: str
    mend: str | None = None


def ok(area: Area, name: str, says: str) -> Diagnosis:
    """Say that something is well."""
    return Diagnosis(area, name, DiagnosisHealth.OK, says)


def warning(area: Area, name: str, says: str, mend: str) -> Diagnosis:
    """Say that something works, and what a person should know of it."""
    return Diagnosis(area, name, DiagnosisHealth.WARNING, says, mend)


def wrong(area: Area, name: str, says: str, mend: str) -> Diagnosis:
    """Say that something does not work."""
    return Diagnosis(area, name, DiagnosisHealth.WRONG, says, mend)
