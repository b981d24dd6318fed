"""One simulated account with everything that belongs to it; it holds the parts together and decides nothing."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.sandbox.account import Account
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.faults import Deck, Fault
from tests.sandbox.importer import Importer
from tests.sandbox.journal import Journal
from tests.sandbox.limits import Limits
from tests.sandbox.settings import Settings
from tests.sandbox.switches import changed


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the account gets it: `document` is its body as JSON (None: unreadable), `number` the id in its path."""

    endpoint: Endpoint
    now: float
    key: str = ""
    number: str = ""
    query: dict[str, str] = field(default_factory=dict)
    document: object = None
    body_bytes: int = 0


class World:
    """The account, its importer, its limits, its faults and what it saw."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.switches = settings.switches
        self.account = Account(settings.lists, settings.fields)
        self.importer = Importer(self.account, settings.switches, settings.seed)
        self.limits = Limits(settings.switches)
        self.faults: Deck[Fault] = Deck(settings.switches.faults, settings.seed)
        self.journal = Journal()
        self.dice = random.Random(f"{settings.seed} latency")

    def flip(self, wishes: Mapping[str, object]) -> None:
        """Set some switches, all of them or, by `BadSwitches`, none; a deck of faults that is named is dealt anew."""
        self.switches = changed(self.switches, wishes)
        if "faults" in wishes:
            self.faults = Deck(self.switches.faults, self.settings.seed)
        self.importer.set(self.switches, deal_anew="batch_faults" in wishes)
        self.limits.set(self.switches)
