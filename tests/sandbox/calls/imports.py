"""The bulk importer's three calls; the account is changed later, when a batch is worked off."""

from collections.abc import Iterator
from datetime import date

from tests.sandbox.answers import Answer, accepted, not_found, not_valid
from tests.sandbox.importer import State
from tests.sandbox.journal import Import
from tests.sandbox.switches import TooLarge
from tests.sandbox.validation import MAX_BYTES, Refused, Taken, validate
from tests.sandbox.world import Call, World


def accept(world: World, call: Call) -> Answer:
    """`POST /import/bulk_import`: queue everything or nothing."""
    if call.body_bytes > MAX_BYTES:
        status = 413 if world.switches.too_large is TooLarge.STATUS_413 else 400
        return not_valid([f"Request size may not exceed {MAX_BYTES} bytes."], status)
    match validate(call.document, world.switches):
        case Refused(failure_reasons):
            return not_valid(failure_reasons)
        case Taken(contacts, dropped_keys):
            batch = world.importer.accept(contacts, call.now)
            world.journal.accepted(Import(call.now, batch.size, batch.id), dropped_keys)
            return accepted(batch.id, batch.size, world.switches)


def info(world: World, call: Call) -> Answer:
    """`GET /import/info?batchId=`: where a batch stands."""
    batch_id = call.query.get("batchId", "")
    if not batch_id:
        return Answer(400, {"success": 0, "message": "'batchId' is a required field."})
    found = world.importer.status(batch_id, call.now)
    if found is None:
        return not_found("BulkImport", batch_id)
    match found:
        case False, _:
            return Answer(200, {"status": False})
        case State.COMPLETED | State.INTERRUPTED as state, batch:
            return Answer(200, {"status": state, "success": batch.success, "failure": batch.failure})
        case state, _:
            return Answer(200, {"status": state, "success": [], "failure": []})


def overview(world: World, call: Call) -> Answer:
    """`GET /import/bulk_import`: how far behind the account's importer is."""
    return Answer(
        200,
        {
            "outstanding": _days(world.importer.outstanding(call.now)),
            "recentlyCompleted": _days(world.importer.recently_completed(call.now)),
        },
    )


def _days(days: Iterator[tuple[date, int, int]]) -> list[dict[str, str]]:
    return [
        {"forDate": day.isoformat(), "batches": str(batches), "contacts": str(contacts)}
        for day, batches, contacts in days
    ]
