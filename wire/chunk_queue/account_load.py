"""What the accounts can keep busy, and with how many workers. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountLoad:
    """An account with chunks: its limit, the imports booked since it is known, and the chunks workers could hold at once."""

    account: str
    imports_per_minute: float
    booked_imports: int
    holdable: int


@dataclass(frozen=True, slots=True)
class Census:
    """What is there at one moment, `now` in the store's milliseconds."""

    now: int
    workers: int
    threads: int
    accounts: tuple[AccountLoad, ...]
    queued: int
