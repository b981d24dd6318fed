"""What is fixed while a sandbox runs: its key, its lists and fields, its seed; what can be flipped is in `switches`."""

from dataclasses import dataclass, field
from typing import Final

from tests.sandbox.switches import Switches

DEFAULT_KEY: Final = "sandbox-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """An account to begin with.

    `lists` and `fields` are pairs of id and name; `seed` decides every throw of the dice.
    """

    key: str = DEFAULT_KEY
    lists: tuple[tuple[int, str], ...] = ((12, "Newsletter"), (3, "Product news"))
    fields: tuple[tuple[int, str], ...] = ((7, "LoyaltyTier"), (8, "Interests"))
    seed: int = 0
    switches: Switches = field(default_factory=Switches)
