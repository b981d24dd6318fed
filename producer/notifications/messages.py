"""What people and programs are told: documents for webhooks, subject and text for e-mail; ids, names and figures only. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from producer.notifications.channel import Channel
from producer.notifications.export_health import ExportHealth
from producer.registry.model import Export
from producer.registry.staleness import StalenessWarning
from producer.timestamps import moment, moment_or_none
from wire.chunk_queue.run import Run, state
from wire.store import codec


class NotificationEvent(StrEnum):
    """What a channel may be told of."""

    FAILED = "failed"
    PARTIAL = "partial"
    BLOCKED = "blocked"
    WILL_MISS_BUDGET = "will_miss_budget"
    STALE = "stale"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class HealthChange:
    """A change of state, and all that can be said of it; `number`: the how many-th of this export."""

    export: Export
    connection: str | None
    before: ExportHealth
    after: ExportHealth
    number: int
    at: int
    run: Run | None = None
    projected_finish: int | None = None
    warnings: Sequence[StalenessWarning] = ()

    @property
    def event(self) -> NotificationEvent:
        """What it is called."""
        return NotificationEvent.RECOVERED if self.after is ExportHealth.WELL else NotificationEvent(self.after)


def concerns(channel: Channel, change: HealthChange) -> bool:
    """Whether a channel is told: of a recovery only who was told of what it recovers from."""
    if not channel.enabled or (channel.exports is not None and change.export.id not in channel.exports):
        return False
    if change.event is NotificationEvent.RECOVERED and change.before.value not in channel.events:
        return False
    return change.event.value in channel.events


def body_of(change: HealthChange, public_url: str) -> dict[str, Any]:
    """Write the document that is sent, as Standard Webhooks shape one: type, timestamp, data."""
    return {
        "type": f"export.{change.event}",
        "timestamp": moment(change.at),
        "data": {
            "export": {"id": change.export.id, "name": change.export.name},
            "segment": change.export.segment,
            "connection": change.connection,
            "list_id": change.export.list_id,
            "before": change.before,
            "after": change.after,
            "change": change.number,
            "detail": sentence(change),
            "run": change.run and _run(change.run, change.projected_finish),
            "warnings": [
                {"code": one.code, "detail": one.detail, "since": moment(one.since)} for one in change.warnings
            ],
            "link": _link(change, public_url),
        },
    }


def test_body(now: int, name: str, public_url: str) -> dict[str, Any]:
    """Write the document of a test."""
    detail = f"This is a test of the notification channel {name}."
    return {"type": "test", "timestamp": moment(now), "data": {"detail": detail, "link": public_url or None}}


def sentence(change: HealthChange) -> str:
    """Say in a sentence what happened."""
    name, run = change.export.name, change.run
    match change.after:
        case ExportHealth.FAILED:
            return f"Export {name} failed: {(run and run.error) or 'its run could not be read'}."
        case ExportHealth.PARTIAL:
            return f"Export {name} reached only a part of its contacts: {_shortfall(run)}."
        case ExportHealth.BLOCKED:
            reason = run.block.reason if run and run.block else "a person must mend something"
            return f"Export {name} is blocked and sends nothing: {reason}."
        case ExportHealth.LATE:
            return f"Export {name} will miss its budget: {_lateness(change)}."
        case ExportHealth.STALE:
            why = "; ".join(one.detail for one in change.warnings) or "its data have grown old"
            return f"Export {name} is not up to date: {why}."
        case ExportHealth.WELL:
            return f"Export {name} has recovered: {_recovery(change)}."


def mail_of(body: Mapping[str, Any]) -> tuple[str, str]:
    """Write subject and text of the e-mail that says the same."""
    data = body["data"]
    lines = [data["detail"], ""]
    if run := data.get("run"):
        lines += [f"Run         {run['id']} ({run['state']}, {run['trigger']})"]
        lines += [f"Due         {run['deadline']}"]
        if run["finished"] or run["projected_finish"]:
            lines += [
                f"{'Ended      ' if run['finished'] else 'Foreseen   '} {run['finished'] or run['projected_finish']}"
            ]
        books = {word: count for word, count in run["books"].items() if isinstance(count, int) and count}
        lines += ["", *(f"{word:<11} {count:>12,}" for word, count in books.items())]
    if "export" in data:
        where = f"Segment {data['segment']}, connection {data['connection'] or '(detached)'}, list {data['list_id']}."
        lines += ["", where]
    if data.get("link"):
        lines += ["", data["link"]]
    subject = " ".join(f"[segment-export] {data['detail']}".split())
    return subject[:SUBJECT_CHARACTERS_MAX], "\n".join(lines) + "\n"


SUBJECT_CHARACTERS_MAX: Final = 150


def encoded(body: Mapping[str, Any]) -> bytes:
    """Write a document as it is signed and sent."""
    return codec.encode(body)


def _run(run: Run, projected_finish: int | None) -> dict[str, Any]:
    """Tell of a run, in the words of the API; never a place or a row of its snapshot."""
    block = run.block
    return {
        "id": run.id,
        "state": state(run),
        "trigger": run.trigger,
        "mode": run.mode,
        "books": run.books.document(),
        "created": moment(run.created),
        "started": moment_or_none(run.begun),
        "finished": moment_or_none(run.finished),
        "deadline": moment(run.deadline),
        "projected_finish": moment_or_none(projected_finish),
        "blocked": block and {"code": block.code, "reason": block.reason, "since": moment(block.since)},
        "error": run.error,
    }


def _shortfall(run: Run | None) -> str:
    if run is None:
        return "some are not applied"
    fates = ("refused", "unconfirmed", "unsent")
    counts = {fate: getattr(run.books, fate) + getattr(run.leavers, fate) for fate in fates}
    told = [f"{count:,} {fate}" for fate, count in counts.items() if count]
    if run.unmatched:
        told.append(f"{run.unmatched:,} that ActiveCampaign named and nobody is called")
    return f"{', '.join(told) or 'some are not applied'}, of {run.contacts:,} selected"


def _lateness(change: HealthChange) -> str:
    due = moment_or_none(change.run.deadline) if change.run else None
    finish = moment_or_none(change.projected_finish)
    return f"it was to be over by {due}" + (f" and will be by {finish}" if finish else "")


def _recovery(change: HealthChange) -> str:
    was = f"it was {change.before.value.replace('_', ' ')}"
    run = change.run
    if run is None or run.finished is None:
        return was
    late = f", {round((run.finished - run.deadline) / 60_000):,} minutes late" if run.finished > run.deadline else ""
    return f"{was}, and a run applied {run.books.applied:,} of {run.books.selected:,} contacts{late}"


def _link(change: HealthChange, public_url: str) -> str | None:
    if not public_url:
        return None
    return f"{public_url}/runs/{change.run.id}" if change.run else f"{public_url}/exports/{change.export.name}"
