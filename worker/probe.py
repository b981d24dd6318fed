"""Asks a harmless question before an import, where answers to imports could not be read.

The account may have done those imports. As long as it answers nothing that can be read, nobody is sent again to find that out.
"""

from dataclasses import replace
from typing import Final

from wire.activecampaign.errors import Refused, Throttled
from wire.chunk_queue.chunk import ChunkOutcome, LeasedChunk
from worker import deliver
from worker.requester import NotNow, Requester
from worker.verdict import ChunkHistory, blocks

PROBED: Final = "Probed"
NOT_SENT: Final = "NotSent"

AGAIN_MS: Final = 3_000
"""After a question without an answer. A block that is probed says itself when the next one goes."""


async def ask_first(requester: Requester, leased: LeasedChunk) -> tuple[ChunkOutcome, str]:
    """Ask whose key this is; the chunk goes back, and its import may be the next probe if that was answered."""
    answer = await requester.whose_key(leased)
    if isinstance(answer, NotNow):
        return deliver.back(leased, answer.seconds), NOT_SENT
    wire = replace(answer.wire, lookups=True)
    outcome = ChunkOutcome(to="ready", count=leased.count, nothing_queued=True, probe=True, wire=wire)
    match answer.outcome:
        case Refused() as refused:
            stop = deliver.stopped(blocks.refused(refused, ChunkHistory.read(leased.facts)))
            return replace(outcome, stop=stop), PROBED
        case Throttled(retry_after_seconds=seconds):
            return replace(outcome, due_in_ms=round((seconds or 0) * 1000)), PROBED
        case _:
            return replace(outcome, due_in_ms=0 if wire.read else AGAIN_MS), PROBED
