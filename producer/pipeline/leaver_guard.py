"""Decides whether a run would unsubscribe so many people that a person has to look first. Pure.

An unsubscribe cannot be undone, so this safeguard is stricter than the brake: either figure is enough, and the first run is not
excepted. It knows who is unsubscribed only by masked addresses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

SHARE: Final = 0.05
NUMBER: Final = 1_000
"""Contacts."""

FEWEST: Final = 10
"""Contacts. Fewer are never too many."""

LONG: Final = 6
"""Letters before the @-sign of which the last one may be shown as well."""

SAMPLE: Final = 5
"""Addresses that are shown, masked."""


@dataclass(frozen=True, slots=True)
class GuardThresholds:
    """How many a run may unsubscribe: up to this share of the members, and up to so many."""

    share: float = SHARE
    number: int = NUMBER

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> "GuardThresholds | None":
        """Read an export's thresholds; None if its guard is off."""
        said = spec.get("leavers_guard", {})
        return None if said is None else cls(**said)

    def passed(self, count: int, members: int) -> bool:
        """Whether so many of the members are too many."""
        return count >= FEWEST and (count > self.number or count > self.share * members)


def too_many(leavers: int, members: int, sample: Iterable[str], spec: Mapping[str, Any]) -> str | None:
    """Say why a run must not unsubscribe by itself; None if it may."""
    thresholds = GuardThresholds.of(spec)
    if thresholds is None or not thresholds.passed(leavers, members):
        return None
    return f"{leavers} of {members} members would be unsubscribed for good, among them {shown(sample)}"


def by_hand(leavers: int, members: int, sample: Iterable[str]) -> str | None:
    """Say what a person is asked where every unsubscribe has to be accepted; None if there is nothing to ask."""
    if not leavers:
        return None
    return f"{leavers} of {members} members have left the segment and would be unsubscribed for good, among them {shown(sample)}"


def shown(addresses: Iterable[str]) -> str:
    """Write a few addresses as they may stand in messages."""
    return ", ".join(masked(address) for address in islice(addresses, SAMPLE))


def masked(address: str) -> str:
    """Hide an address but for what its owner's marketer may recognise: a few letters and the top-level domain."""
    local, _, domain = address.rpartition("@")
    last = local[-1] if len(local) >= LONG else ""
    return f"{local[:1]}***{last}@{domain[:1]}***.{domain.rpartition('.')[2]}"
