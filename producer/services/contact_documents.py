"""What the API answers about one person; none of it repeats the address that was asked for."""

from typing import Literal, Self

from pydantic import BaseModel

from producer.accounts.findings import Busy, FoundFields, NotThere, There, Wrong
from producer.people.erase import DeletionOutcome, Receipt
from producer.people.explain import EndedBy, Explanation, ExportAnswer, InSnapshot
from producer.people.traced import Trace
from producer.registry.model import Export
from producer.services.documents import Timestamp, moment
from wire.store.results import Rewritten

STILL_HELD = "Backups, snapshots of the platform and the append-only files of replicas still hold the person until they are replaced."


class BatchDocument(BaseModel):
    """A batch, and when ActiveCampaign accepted it."""

    chunk: str
    batch: str
    accepted: Timestamp


class SentDocument(BaseModel):
    """In which run and chunk somebody was sent last, and the batches of that chunk: its pieces have their own."""

    run: str
    chunk: int
    batches: list[BatchDocument]


class OnTheWayDocument(BaseModel):
    """A chunk that has them and is not at its end."""

    run: str
    chunk: str
    state: str
    batch: str | None


class LineDocument(BaseModel):
    """A line of one of a run's reports; `former`: the address is the one that somebody had before."""

    run: str
    row: int | None
    fate: str
    code: str
    reason: str
    former: bool


class LeftBehindDocument(BaseModel):
    """A run that ended without their being applied; `maybe`: ActiveCampaign may have them all the same."""

    run: str
    maybe: bool


class ThereDocument(BaseModel):
    """What ActiveCampaign says now; `there` is null where it does not say."""

    there: bool | None
    contact_id: str | None = None
    detail: str | None = None

    @classmethod
    def of(cls, found: FoundFields) -> Self:
        """Show what was found."""
        match found:
            case There(contact_id):
                return cls(there=True, contact_id=contact_id)
            case NotThere():
                return cls(there=False)
            case Wrong(_, reason):
                return cls(there=None, detail=reason)
            case Busy():
                return cls(there=None, detail="The account answers no questions now.")


class ExplainedDocument(BaseModel):
    """Where somebody stands with one export, and why; `activecampaign` is null unless it was asked."""

    export: str
    connection: str | None
    segment: str
    list_id: str
    in_last_snapshot: InSnapshot
    last_run: str | None
    standing: ExportAnswer
    reason: str | None
    why: str
    ended_by: EndedBy | None
    sent: SentDocument | None
    on_the_way: list[OnTheWayDocument]
    rejected: list[LineDocument]
    left_behind: list[LeftBehindDocument]
    activecampaign: ThereDocument | None

    @classmethod
    def of(
        cls, export: Export, connection: str | None, trace: Trace, told: Explanation, asked: FoundFields | None
    ) -> Self:
        """Show an explanation with what it rests on."""
        sent = None
        if trace.entry is not None and trace.sent_in is not None:
            batches = [BatchDocument(chunk=b.chunk, batch=b.batch, accepted=moment(b.at)) for b in trace.batches]
            sent = SentDocument(run=trace.sent_in, chunk=trace.entry.chunk, batches=batches)
        return cls(
            export=export.name,
            connection=connection,
            segment=export.segment,
            list_id=trace.list_id,
            in_last_snapshot=told.in_last_snapshot,
            last_run=trace.last.id if trace.last else None,
            standing=told.standing,
            reason=told.reason,
            why=told.why,
            ended_by=told.ended_by,
            sent=sent,
            on_the_way=[
                OnTheWayDocument(run=one.run, chunk=one.chunk, state=one.state, batch=one.batch)
                for one in trace.on_the_way
            ],
            rejected=[
                LineDocument(
                    run=one.run, row=one.row, fate=one.fate, code=one.code, reason=one.reason, former=one.is_former
                )
                for one in trace.lines
            ],
            left_behind=[LeftBehindDocument(run=one.run, maybe=one.maybe) for one in trace.left_behind],
            activecampaign=None if asked is None else ThereDocument.of(asked),
        )


class ContactExplained(BaseModel):
    """One person, export by export; `forgotten` is when they were, null if they were not."""

    forgotten: Timestamp | None
    exports: list[ExplainedDocument]


class ErasedDocument(BaseModel):
    """Where somebody was erased: entries of memberships, contacts of chunks and of those left behind, lines of reports."""

    membership: int
    chunks: int
    rejects: int
    held_back: int
    moved: int
    left: int


class ElsewhereDocument(BaseModel):
    """What became of the contact at an account, by one of its connections."""

    connection: str
    fate: DeletionOutcome
    why: str | None


class ContactForgotten(BaseModel):
    """A receipt. `erasing`: what waits in `waits_for` still has them, and is erased when that has ended."""

    state: Literal["erased", "erasing"]
    forgotten: Timestamp
    erased: ErasedDocument
    waits_for: list[str]
    log_rewritten: Rewritten | None
    activecampaign: list[ElsewhereDocument]
    still_held: str = STILL_HELD

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        """Show a receipt."""
        return cls(
            state="erased" if receipt.is_done else "erasing",
            forgotten=moment(receipt.forgotten_at),
            erased=ErasedDocument(**receipt.erased.counts()),
            waits_for=sorted(receipt.erased.waits_for),
            log_rewritten=receipt.log,
            activecampaign=[
                ElsewhereDocument(connection=one.connection, fate=one.fate, why=one.why) for one in receipt.elsewhere
            ],
        )
