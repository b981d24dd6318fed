"""What people register: connections, exports and the segments heard of, as values and as the documents that are kept.

Pure. Times are milliseconds since 1970 of the process that wrote them: told to people and compared with nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Final

from producer.registry.account_identity import AccountIdentity
from wire.http.hosts import account_of
from wire.store import codec


class Allow(StrEnum):
    """Who may use a connection."""

    ADMINS = "admins"
    CONTRIBUTORS = "contributors"


@dataclass(frozen=True, slots=True)
class Limits:
    """What ActiveCampaign lets an account do; the defaults are the published figures."""

    imports_per_minute: float = 100
    single_imports_per_minute: float = 20
    requests_per_second: float = 5


@dataclass(frozen=True, slots=True)
class Consent:
    """Who agreed that contacts leave for ActiveCampaign, and when."""

    by: str
    at: int


BESIDE: Final = frozenset({"account_name", "account_set", "identity"})
"""What is kept of a connection beside its document."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A way into an ActiveCampaign account; its key is kept apart, sealed.

    `administrator`: whether the key is an administrator's, as its last check found. `export_user`: who connected it last,
    with the key or the host that it has now; empty where an earlier version kept it, which is then who agreed.

    What is known of its account is kept beside the document, and is what it was when the connection was read:
    `account_name`, `account_set` (by a person; empty: we find it out), and what tells the account from others.
    """

    id: str
    name: str
    display_name: str
    host: str
    allow: Allow
    limits: Limits
    consent: Consent
    administrator: bool
    created: int
    changed: int
    export_user: str = ""
    account_name: str = field(default="", compare=False)
    account_set: str = field(default="", compare=False)
    identity: AccountIdentity | None = field(default=None, compare=False)

    @property
    def account(self) -> str:
        """The ActiveCampaign account that answers at the host: the first of its hosts that was connected, or as a person says."""
        return self.account_name or self.account_host

    @property
    def account_host(self) -> str:
        """The host as the record has it: lower case, without the port 443."""
        return account_of(self.host)

    @property
    def is_open(self) -> bool:
        """Whether contributors may use it."""
        return self.allow is Allow.CONTRIBUTORS

    def document(self) -> dict[str, Any]:
        """What is kept of it."""
        return {name: value for name, value in asdict(self).items() if name not in BESIDE}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Connection":
        """Read what `document` wrote."""
        return cls(
            **{
                **document,
                "allow": Allow(document["allow"]),
                "limits": Limits(**document["limits"]),
                "consent": Consent(**document["consent"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Segment to list, over a connection (its id; None while detached).

    `mapping` is for `producer.contacts.mapper`: email, first_name, last_name, phone, fields, tags, tags_column, id. One run in
    `full_every_runs`, or one every `full_every_days`, sends everybody. `leavers_field` (id, left, present) is where those
    who left are marked; `leavers_confirm` is what has to agree before one is unsubscribed (next_refresh, at_once, by_hand);
    `leavers_guard` has thresholds of how many (`producer.pipeline.leaver_guard`), None turns it off; `brake` has thresholds
    (`producer.pipeline.safeguards`), None turns it off. `schedule` (cron, zone) opens runs
    besides refreshes (`producer.intake.schedule`); one that is not `enabled` runs only when somebody asks for it. A snapshot older than
    `stale_after_hours` is warned of; None: what the settings say.
    """

    id: str
    name: str
    connection: str | None
    segment: str
    list_id: str
    mapping: Mapping[str, Any]
    leavers: str
    automations: bool
    default_region: str | None
    budget_minutes: float
    patience_minutes: float
    delivery_patience_minutes: float
    full_every_runs: int | None = None
    full_every_days: float | None = None
    leavers_field: Mapping[str, str] | None = None
    brake: Mapping[str, Any] | None = field(default_factory=dict)
    enabled: bool = True
    schedule: Mapping[str, str] | None = None
    stale_after_hours: float | None = None
    changed_address: str = "update"
    leavers_confirm: str = "next_refresh"
    leavers_guard: Mapping[str, Any] | None = field(default_factory=dict)
    created: int
    changed: int

    def document(self) -> dict[str, Any]:
        """What is kept of it; the connection is kept beside, so that a script can detach it."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "connection"}

    @property
    def is_on(self) -> bool:
        """Whether it runs by itself, with refreshes and its schedule."""
        return self.enabled and self.connection is not None

    def timed_as(self, other: "Export") -> bool:
        """Whether the next time of its schedule is the other's."""
        return (self.schedule, self.enabled, self.connection) == (other.schedule, other.enabled, other.connection)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], connection: str | None) -> "Export":
        """Read what `document` wrote."""
        return cls(**document, connection=connection)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment heard of or named by an export; without a snapshot it was never refreshed.

    `refreshed`: the event's time, `accepted`: when it was taken; both of the store's clock at the latest.
    """

    name: str
    snapshot: str | None = None
    refreshed: int | None = None
    accepted: int | None = None
    exports: tuple[str, ...] = ()


ADDED: Final[Mapping[str, Any]] = {
    "enabled": True,
    "schedule": None,
    "stale_after_hours": None,
    "leavers_confirm": "next_refresh",
    "leavers_guard": {},
    "export_user": "",
}
"""Fields that what an earlier version kept does not have, with what they stand for there: they are not written either."""


def text_of(registered: Connection | Export) -> str:
    """Return the one text under which this value is kept: scripts compare it with what stands in the record."""
    document = registered.document()
    said = {name: value for name, value in document.items() if name not in ADDED or value != ADDED[name]}
    return codec.canonical(said).decode()
