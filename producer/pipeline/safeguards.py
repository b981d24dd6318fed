"""Decides whether a run is so unlike the one before that a person has to look before anything is sent. Pure.

It is for what can be undone: what the next refresh sends mends it. Unsubscribing cannot be undone, and has a guard of its own
(`producer.pipeline.leaver_guard`).

A run is stopped only where a change is large by number and by share: a small list may well change as a whole, and a large one
by many. The first run of an export into a list is never stopped by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from producer.accounts.contact_limit import ContactLimit
from producer.people.membership_summary import Summary
from producer.runs.answers import SafeguardStop

SHARE: Final = 0.5
NUMBER: Final = 5_000
"""Contacts. What is below is mended by the next refresh, which sends as many in less than a minute."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How much may be otherwise than in the run before: more than so many, and more than this share of all."""

    share: float = SHARE
    number: int = NUMBER

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> "Thresholds | None":
        """Read an export's thresholds; None if it has no brake."""
        said = spec.get("brake", {})
        return None if said is None else cls(**said)

    def passed(self, count: float, of: float) -> bool:
        """Whether so many of so many are too many."""
        return count > self.number and count > self.share * of


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """What a survey found that a brake looks at; `nulls` counts rows without a value by column, `moves` changed addresses."""

    read: int
    adds: int
    changes: int
    removals: int
    members: int
    nulls: Mapping[str, int]
    mapping_changed: bool = False
    moves: int = 0


def safeguard(
    looks: SurveyFigures, before: Summary, spec: Mapping[str, Any], contract: ContactLimit | None
) -> SafeguardStop | None:
    """Say why a run must not begin by itself, with every figure that is out of bounds; None if it may."""
    if contract is not None and contract.total + looks.adds > contract.limit:
        return SafeguardStop(
            "contract",
            f"The account has {contract.total} of {contract.limit} contacts, and {looks.adds} would be added.",
        )
    thresholds = Thresholds.of(spec)
    if thresholds is None or before.is_new or not before.read:
        return None
    found = list(_out_of_bounds(looks, before, thresholds))
    return SafeguardStop("brake", f"Unlike the run before: {'; '.join(found)}.") if found else None


def _out_of_bounds(looks: SurveyFigures, before: Summary, thresholds: Thresholds) -> list[str]:
    found = []
    # Everybody is changed by a changed mapping, and whoever changed it knows.
    if not looks.mapping_changed and thresholds.passed(looks.changes, looks.members):
        found.append(f"{looks.changes} of {looks.members} members would change")
    if thresholds.passed(looks.adds, looks.members):
        found.append(f"{looks.adds} would be added to {looks.members} members")
    if thresholds.passed(looks.moves, looks.members):
        found.append(f"{looks.moves} of {looks.members} members would have another address")
    if thresholds.passed(looks.removals, looks.members):
        found.append(f"{looks.removals} of {looks.members} members would be taken off or marked as gone")
    if thresholds.passed(before.read - looks.read, before.read):
        found.append(f"the segment has {looks.read} rows instead of {before.read}")
    for column, nulls in looks.nulls.items():
        if column in before.nulls and thresholds.passed(
            nulls - before.nulls[column] / before.read * looks.read, looks.read
        ):
            found.append(
                f"{nulls} of {looks.read} rows have no {column!r}, instead of {before.nulls[column]} of {before.read}"
            )
    return found
