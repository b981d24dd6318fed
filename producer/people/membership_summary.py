"""A membership as a whole. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MembershipKey = tuple[str, str, str]
"""The export, the account (by the host under which this membership began) and the list."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A membership as a whole.

    `full_at` is when the last full run ended, `since_full` how many runs of changes have ended since, `mapping` tells the
    mapping by which the last run was made, `read` and `nulls` how many rows its snapshot had, and how many of them without
    a value by column; `runs` are ids by number.
    """

    members: int = 0
    level: int = 1
    split: int = 0
    full_at: int | None = None
    since_full: int = 0
    mapping: str = ""
    runs: Mapping[int, str] = field(default_factory=dict)
    read: int = 0
    nulls: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever sent here."""
        return not self.runs
