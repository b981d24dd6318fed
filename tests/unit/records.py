"""Makes records of runs and chunks in hand for unit tests, with what a test does not say filled in; it decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from wire.activecampaign.requests import contact_json, import_body
from wire.chunk_queue.chunk import LeasedChunk, Stage
from wire.chunk_queue.membership_entry import FINGERPRINT_BYTES
from wire.chunk_queue.run import Run, run_from
from wire.store import codec

NOW: Final = 1_700_000_000_000
SPEC: Final[Mapping[str, Any]] = {
    "mapping": {"email": "Email"},
    "automations": False,
    "default_region": None,
    "budget_minutes": 90.0,
    "patience_minutes": 30.0,
    "delivery_patience_minutes": 720.0,
}


def run_record(**fields: object) -> dict[str, bytes]:
    """Write the fields of a run's record as they are stored; a field that is None is not there."""
    said = {
        "export": "e1", "export_name": "vips", "segment": "vip", "account": "acme.test", "list": "12", "connection": "c1",
        "connection_name": "main", "snapshot": "/s.csv", "trigger": "event", "mode": "changes", "dry_run": 0,
        "spec": codec.text(SPEC), "created": NOW, "deadline": NOW + 5_400_000,
    } | fields  # fmt: skip
    return {name: str(value).encode() for name, value in said.items() if value is not None}


def block_record(code: str = "credentials", **fields: object) -> dict[str, bytes]:
    """Write a block's fields as they are stored; certain and probed unless said otherwise."""
    said = {"code": code, "reason": "a reason", "since": NOW, "blocked": 1, "probe_at": NOW + 30_000} | fields
    return {name: str(value).encode() for name, value in said.items() if value is not None}


def a_run(
    *, ready_chunks: int = 0, accepted_chunks: int = 0, blocks: Sequence[Mapping[str, bytes]] = (), **fields: object
) -> Run:
    """Make a run from its record's fields."""
    return run_from(
        "r1", run_record(**fields), ready_chunks=ready_chunks, accepted_chunks=accepted_chunks, blocks=tuple(blocks)
    )


def contacts(*names: str, automations: bool = False) -> bytes:
    """Write a request's body for people by their names."""
    return import_body(
        [
            contact_json(
                email=f"{name}@example.org",
                first_name=None,
                last_name=None,
                phone=None,
                fields=(),
                tags=(),
                list_id=12,
                automations=automations,
            )
            for name in names
        ],
        automations=automations,
    )


def prints(*numbers: int) -> bytes:
    """Make fingerprints that can be told apart."""
    return b"".join(bytes([number]) * FINGERPRINT_BYTES for number in numbers)


def held(names: Sequence[str], lane: Stage = "deliver", **changes: Any) -> LeasedChunk:
    """Make a chunk in hand that holds these people, in the rows 10, 20, 30 ... with the fingerprints 1, 2, 3 ..."""
    said: dict[str, Any] = {
        "lane": lane,
        "run": a_run(),
        "chunk": "3",
        "token": "a-token",
        "fence": "a-token" if lane == "deliver" else "a-batch",
        "count": len(names),
        "contacts": contacts(*names),
        "rows": tuple(10 * (at + 1) for at in range(len(names))),
        "prints": prints(*range(1, len(names) + 1)),
        "kind": "",
        "facts": {},
        "now": NOW,
        "first_taken": NOW,
        "accepted_at": NOW,
        "trip_ms": None,
        "first_poll_ms": None,
        "connection": {},
        "secret": b"",
    }
    return LeasedChunk(**said | changes)
