"""The world of walks with an account that answers under two hosts: two exports into one list, each over a host of its own.

At some moment it is found out that they are one account. Until then each has its own turn; from then on one of them sends.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from producer.people.membership import Membership
from tests.integration.walking import ACCOUNT, CONTACTS, REFUSED, World, address
from wire.chunk_queue.chunk import LeasedChunk
from wire.chunk_queue.membership_entry import MemberState
from wire.store import codec
from wire.store.keys import key

OTHER: Final = "acme.activehosted.test"
HOSTS: Final = {"c1": ACCOUNT, "c2": OTHER}
LIMITS: Final[dict[Any, Any]] = {
    "imports_per_minute": 1e7,
    "single_imports_per_minute": 1e7,
    "requests_per_second": 1e6,
}


@dataclass
class TwoHosts(World):
    """Events of odd numbers are of the first export and host, those of even numbers of the second."""

    sender: str | None = None
    begun_before: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, host in HOSTS.items():
            self.redis.hset(key("connections"), name, name)
            document = codec.text({"name": name, "limits": LIMITS})
            self.redis.hset(key("connection", name), mapping={"document": document, "account": host, "secret": "s"})
            self.redis.hset(key("account", host), mapping=LIMITS)

    @property
    def united(self) -> bool:
        """Whether the record knows that both are one account."""
        return bool(self.redis.hexists(key("account_names"), OTHER))

    def addressed(self, event: int) -> dict[str, str]:
        """Whose the run of an event is."""
        number = 2 - event % 2
        return {"export": f"e{number}", "connection": f"c{number}", "account": HOSTS[f"c{number}"]}

    def heard(self) -> str:
        """The host that a wake-up names: one after the other, also when both are one account."""
        return HOSTS[f"c{1 + self.tokens % 2}"]

    def unite(self) -> None:
        """Let it be found out."""
        if not self.united:
            self.begun_before = self.begun()
            self.sender = None
        self.do(self.store.run("unite_accounts", OTHER, ACCOUNT, ""))

    def begun(self) -> set[str]:
        """Runs that have begun and are not over."""
        return {run.id for run in self.runs() if run.begun is not None and not run.over}

    def go_back(self) -> None:
        """Put the store back: what was sent since is not known any more."""
        super().go_back()
        self.sender = None

    def sent(self, held: LeasedChunk) -> tuple[str, object]:
        """Send; of one account one run sends until it is over."""
        if held.lane == "deliver" and self.united:
            before = self.look(self.sender) if self.sender else None
            if before is not None and before.id != held.run.id:
                assert before.over, f"{held.run.id} sends to the list of {before.id}"
            self.sender = held.run.id
        return super().sent(held)

    def check_turns(self, begun: list[str]) -> None:
        """What begins when they are one account waits for all that have begun; before, each host has its own turn."""
        if self.united:
            since = set(begun) - self.begun_before
            assert not since or len(begun) == 1, f"{begun} work on one list at the same time"
        else:
            hosts = [run.account for run in self.runs() if run.id in begun]
            assert len(hosts) == len(set(hosts)), f"{begun} work on one list at the same time"

    def check_membership(self) -> None:
        """Nobody whom a run has applied is forgotten by its export, and nobody is believed who was not applied."""
        membership = Membership(self.store)
        for run in self.runs():
            assert run.account == HOSTS[run.connection], "what is known has moved"
            for name in CONTACTS:
                entry = self.do(membership.entry(run, address(name)))
                if run.ending is None:
                    assert entry is not None, f"{name} had a fate, and is forgotten"
                if entry and entry.standing is MemberState.MEMBER:
                    assert name in self.delivered - REFUSED, f"{name} is believed to be applied"
