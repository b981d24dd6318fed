"""What is fixed while a sandbox runs: its key, its lists and fields, its seed; what can be flipped is in `switches`."""

import secrets
from dataclasses import dataclass, field
from typing import Final

from tests.sandbox.switches import Switches

DEFAULT_KEY: Final = "sandbox-key"
EARLIEST: Final = 1_400_000_000
LATEST: Final = 1_700_000_000


def some_time() -> int:
    """A second that hardly another account was made in."""
    return EARLIEST + secrets.randbelow(LATEST - EARLIEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """An account to begin with.

    `lists` and `fields` are pairs of id and name; `seed` decides every throw of the dice. `made` (unix seconds) is when the
    account was made: its lists were soon after, so no two accounts have the same ones. `other_keys` are good, too.
    """

    key: str = DEFAULT_KEY
    other_keys: tuple[str, ...] = ()
    made: int = field(default_factory=some_time)
    lists: tuple[tuple[int, str], ...] = ((12, "Newsletter"), (3, "Product news"))
    fields: tuple[tuple[int, str], ...] = ((7, "LoyaltyTier"), (8, "Interests"))
    seed: int = 0
    switches: Switches = field(default_factory=Switches)
