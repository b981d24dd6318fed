"""Writes the record a run begins with, an immutable copy of its export. Pure: ids and times are handed in."""

from dataclasses import dataclass
from datetime import UTC, datetime

from producer.registry.model import Connection, Export
from wire.chunk_queue.run import Mode, Trigger
from wire.process.units import DAY_MS, MINUTE_MS
from wire.store import codec

RunFields = dict[str, str]
"""A run's first fields, all text, as `scripts/lib/opening.lua` writes them and `wire.chunk_queue.run.run_from` reads them."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what a run leaves behind is kept after its end, in days."""

    rejects_days: float = 30
    runs_days: float = 90


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do; `retry_of` limits it to those whom the run of this id left without being applied."""

    snapshot: str
    trigger: Trigger
    mode: Mode = Mode.CHANGES
    dry_run: bool = False
    include_refused: bool = False
    retry_of: str = ""


def run_id(now_ms: int, dice: str) -> str:
    """Name a run by the second it was asked for and eight hexadecimal digits: sorted by name is sorted by time."""
    return f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%S}-{dice}"


def row(run: str, export: Export, connection: Connection, order: Order, retention: Retention) -> RunFields:
    """Write the first fields of a run's record."""
    spec = {
        "mapping": dict(export.mapping),
        "leavers": export.leavers,
        "automations": export.automations,
        "default_region": export.default_region,
        "budget_minutes": export.budget_minutes,
        "patience_minutes": export.patience_minutes,
        "delivery_patience_minutes": export.delivery_patience_minutes,
        "full_every_runs": export.full_every_runs,
        "full_every_days": export.full_every_days,
        "leavers_field": export.leavers_field,
        "leavers_confirm": export.leavers_confirm,
        "leavers_guard": export.leavers_guard,
        "brake": export.brake,
        "changed_address": export.changed_address,
    }
    return {
        "id": run,
        "export": export.id,
        "export_name": export.name,
        "segment": export.segment,
        "account": connection.account_host,
        "list": export.list_id,
        "connection": connection.id,
        "connection_name": connection.name,
        "snapshot": order.snapshot,
        "trigger": order.trigger,
        "mode": order.mode,
        "dry_run": "1" if order.dry_run else "0",
        "include_refused": "1" if order.include_refused else "0",
        "retry_of": order.retry_of,
        "spec": codec.text(spec),
        "budget_ms": str(round(export.budget_minutes * MINUTE_MS)),
        "record_ms": str(round(retention.runs_days * DAY_MS)),
        "rejects_ms": str(round(retention.rejects_days * DAY_MS)),
    }
