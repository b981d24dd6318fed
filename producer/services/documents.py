"""What the API answers: a model for each document, made from our values; names and times are as people read them."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, Field, RootModel

from producer import timestamps
from producer.access.token import Role, Token
from producer.accounts.discovery import AccountSeen, seen
from producer.intake.schedule import next_after
from producer.intake.stream_entry import Cause, DeadEvent
from producer.pipeline.leaver_guard import NUMBER as GUARD_NUMBER
from producer.pipeline.leaver_guard import SHARE as GUARD_SHARE
from producer.pipeline.safeguards import NUMBER, SHARE
from producer.registry.account_identity import KnownBy
from producer.registry.model import Connection, Export, Limits, Segment
from producer.registry.staleness import StalenessWarning, WarningCode
from producer.snapshots.preview import Preview

T = TypeVar("T")

Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""A time of RFC 3339 in UTC."""

NOT_ADMINISTRATOR = "the key is not an administrator's: the account's contract cannot be read"


moment = timestamps.moment
moment_or_none = timestamps.moment_or_none


class PageDocument(BaseModel, Generic[T]):
    """A part of a list; `next` is the `after` of the next one, null at the end."""

    items: list[T]
    next: str | None


class LimitsDocument(BaseModel):
    """What the account lets us do."""

    imports_per_minute: float
    single_imports_per_minute: float
    requests_per_second: float

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """Show limits."""
        return cls(
            imports_per_minute=limits.imports_per_minute,
            single_imports_per_minute=limits.single_imports_per_minute,
            requests_per_second=limits.requests_per_second,
        )


class ColumnDocument(BaseModel):
    """A column of a snapshot; `type` is in the words of its format."""

    name: str
    type: str


class PreviewDocument(BaseModel):
    """The beginning of a snapshot; `rows` and `bytes` are null where only reading it all would tell."""

    snapshot: str
    files: int
    bytes: int | None
    rows: int | None
    columns: list[ColumnDocument]
    beginning: list[dict[str, str | None]]

    @classmethod
    def of(cls, snapshot: str, preview: Preview) -> Self:
        """Show a preview."""
        return cls(
            snapshot=snapshot,
            files=preview.files,
            bytes=preview.size,
            rows=preview.rows,
            columns=[ColumnDocument(name=name, type=kind) for name, kind in preview.columns.items()],
            beginning=[dict(row) for row in preview.beginning],
        )


class ConsentDocument(BaseModel):
    """Who agreed that contacts leave, and when."""

    by: str
    at: Timestamp


def account_note(account: AccountSeen, host: str) -> str | None:
    """Say what it means that an account answers at several hosts; None where it does not, as far as we know."""
    hosts = [other for other in account.hosts if other != host]
    if not hosts:
        return None
    why = {
        KnownBy.API_KEY: "the API key is the same",
        KnownBy.LISTS: "the oldest lists are the same",
        KnownBy.OVERRIDE: "it was set by hand",
        KnownBy.HOST: "they were found to be the same before",
    }[KnownBy.OVERRIDE if any(one.account_set for one in account.others) else account.known_by]
    return (
        f"{host} and {', '.join(hosts)} are one ActiveCampaign account ({why}): their connections share its limits, take turns "
        "at its lists, and know each other's members"
    )


class ConnectionDocument(BaseModel):
    """A connection; its key is never shown.

    `account`: the ActiveCampaign account, by the first of its hosts that was connected, or as a person set it; `same_account`:
    the other connections of it; `account_note` says so if they have other hosts.
    """

    id: str
    type: Literal["activecampaign"] = "activecampaign"
    name: str
    display_name: str
    host: str
    account: str
    account_known_by: Literal["host", "api_key", "lists", "override"]
    account_note: str | None
    same_account: list[str]
    allow: Literal["admins", "contributors"]
    limits: LimitsDocument
    consent: ConsentDocument
    export_user: str
    administrator: bool
    warning: str | None
    created: Timestamp
    changed: Timestamp

    @classmethod
    def of(cls, connection: Connection, connections: Iterable[Connection]) -> Self:
        """Show a connection, one of these."""
        account = seen(connection, connections)
        return cls(
            id=connection.id,
            name=connection.name,
            display_name=connection.display_name,
            host=connection.host,
            account=account.account,
            account_known_by=account.known_by.value,
            account_note=account_note(account, connection.host),
            same_account=[one.name for one in account.others],
            allow=connection.allow.value,
            limits=LimitsDocument.of(connection.limits),
            consent=ConsentDocument(by=connection.consent.by, at=moment(connection.consent.at)),
            export_user=connection.export_user or connection.consent.by,
            administrator=connection.administrator,
            warning=None if connection.administrator else NOT_ADMINISTRATOR,
            created=moment(connection.created),
            changed=moment(connection.changed),
        )


class ConnectionGlimpse(BaseModel):
    """A connection as everybody sees it who is not an administrator."""

    name: str
    type: Literal["activecampaign"] = "activecampaign"


class ConnectionShown(RootModel[ConnectionDocument | ConnectionGlimpse]):
    """A connection: all of it for administrators, its name and type for everybody else."""


class ConnectionDeleted(BaseModel):
    """What went with a connection: exports by name, runs by id."""

    detached: list[str]
    ended_runs: list[str]


class CheckDocument(BaseModel):
    """What a look at ActiveCampaign found; `field` is what to mend. The account is as in the connection's document."""

    ok: bool
    account: str
    account_known_by: Literal["host", "api_key", "lists", "override"]
    account_note: str | None = None
    same_account: list[str] = []
    administrator: bool | None = None
    field: Literal["host", "api_key", "list_id"] | None = None
    detail: str | None = None


class MappingDocument(BaseModel):
    """Which column becomes what."""

    email: str
    first_name: str | None
    last_name: str | None
    phone: str | None
    fields: dict[str, str]
    tags: list[str]
    tags_column: str | None
    id: str | None = None


class LeaversFieldDocument(BaseModel):
    """The custom field that says who is in the segment."""

    id: str
    left: str
    present: str


class BrakeDocument(BaseModel):
    """How much a run may change before it stops and asks."""

    share: float = SHARE
    number: int = NUMBER


class LeaversGuardDocument(BaseModel):
    """How many a run may unsubscribe before it stops and asks: either figure is enough."""

    share: float = GUARD_SHARE
    number: int = GUARD_NUMBER


class WarningDocument(BaseModel):
    """What has grown old or never came, in a sentence, and since when."""

    code: WarningCode
    detail: str
    since: Timestamp

    @classmethod
    def all_of(cls, warnings: Sequence[StalenessWarning]) -> list[Self]:
        """Show warnings."""
        return [cls(code=each.code, detail=each.detail, since=moment(each.since)) for each in warnings]


class ScheduleDocument(BaseModel):
    """When an export runs by itself."""

    cron: str
    zone: str


class ExportDocument(BaseModel):
    """An export; `connection` is null while it is detached, `next_scheduled` while no schedule opens runs of it."""

    id: str
    name: str
    connection: str | None
    segment: str
    list_id: str
    mapping: MappingDocument
    leavers: Literal["keep", "field", "unsubscribe"]
    leavers_field: LeaversFieldDocument | None
    leavers_confirm: Literal["next_refresh", "at_once", "by_hand"]
    leavers_guard: LeaversGuardDocument | None
    changed_address: Literal["update", "leaver_and_newcomer"]
    brake: BrakeDocument | None
    full_every_runs: int | None
    full_every_days: float | None
    schedule: ScheduleDocument | None
    next_scheduled: Timestamp | None
    enabled: bool
    stale_after_hours: float | None
    automations: bool
    default_region: str | None
    budget_minutes: float
    patience_minutes: float
    delivery_patience_minutes: float
    warnings: list[WarningDocument]
    created: Timestamp
    changed: Timestamp

    @classmethod
    def of(
        cls, export: Export, connection_name: str | None, now: int, warnings: Sequence[StalenessWarning] = ()
    ) -> Self:
        """Show an export with its connection by name."""
        following = next_after(export.schedule, now) if export.schedule and export.is_on else None
        times = {"created": moment(export.created), "changed": moment(export.changed)}
        shown = {
            "next_scheduled": moment_or_none(following),
            "connection": connection_name,
            "warnings": WarningDocument.all_of(warnings),
        }
        return cls.model_validate(export.document() | times | shown)


class ExportDeleted(BaseModel):
    """The runs that ended with an export, by id."""

    ended_runs: list[str]


class SegmentDocument(BaseModel):
    """A segment; one that was never refreshed has neither snapshot nor times. `warning`: the first of `warnings`, as a sentence."""

    name: str
    refreshed: Timestamp | None
    accepted: Timestamp | None
    snapshot: str | None
    exports: list[str]
    warning: str | None
    warnings: list[WarningDocument]

    @classmethod
    def of(cls, segment: Segment, warnings: Sequence[StalenessWarning]) -> Self:
        """Show a segment."""
        return cls(
            name=segment.name,
            refreshed=moment_or_none(segment.refreshed),
            accepted=moment_or_none(segment.accepted),
            snapshot=segment.snapshot,
            exports=list(segment.exports),
            warning=warnings[0].detail if warnings else None,
            warnings=WarningDocument.all_of(warnings),
        )


class EventDocument(BaseModel):
    """The runs an event opened, or why it opened none."""

    runs: list[str]
    reason: str | None = None


class DeadEventDocument(BaseModel):
    """An event that could not be taken; never what it held.

    `entry` is its id in the stream; `source` and `id` are null where the event does not say them.
    """

    received: Timestamp
    source: str | None
    id: str | None
    cause: Cause
    reason: str
    entry: str

    @classmethod
    def of(cls, dead: DeadEvent) -> Self:
        """Show a dead event."""
        return cls(
            received=moment(dead.received),
            source=dead.death.source or None,
            id=dead.death.event_id or None,
            cause=dead.death.cause,
            reason=dead.death.reason,
            entry=dead.entry,
        )


class TokenDocument(BaseModel):
    """A token, never its secret; `last_used` is exact to the minute, null for one that never was."""

    id: str
    name: str
    role: Role
    created: Timestamp
    created_by: str
    expires: Timestamp
    expired: bool
    last_used: Timestamp | None

    @classmethod
    def of(cls, token: Token, now: int) -> Self:
        """Show a token."""
        return cls(
            id=token.id,
            name=token.name,
            role=token.role,
            created=moment(token.created),
            created_by=token.created_by,
            expires=moment(token.expires),
            expired=token.expires <= now,
            last_used=moment_or_none(token.used),
        )


class TokenIssued(TokenDocument):
    """A new token with what its owner has to show: it is told this once."""

    token: str


class SecretsRotated(BaseModel):
    """How many API keys and channels there are, how many secrets were sealed anew, and whose no key of ours opens."""

    connections: int
    notifications: int
    rotated: int
    unreadable: list[str]


class StandingDocument(BaseModel):
    """How the producer is; `problems` says what is in the way."""

    ok: bool
    problems: list[str] = []
