"""Asks a harmless question where an import would be the probe of a block, and answers to imports said neither yes nor no.

The account may have done those imports. As long as it answers nothing that can be read, nobody is sent again to find that out.
"""

from dataclasses import replace
from typing import Final

from wire.activecampaign.errors import Refused, Throttled
from wire.chunks import Held, Outcome
from worker import delivering
from worker.asking import Asker, NotNow
from worker.verdict import Memory, stopping

PROBED: Final = "Probed"
NOT_SENT: Final = "NotSent"


async def ask_first(asker: Asker, held: Held) -> tuple[Outcome, str]:
    """Ask whose key this is; the chunk goes back, and its import may be the next probe if that was answered."""
    answer = await asker.whose_key(held)
    if isinstance(answer, NotNow):
        return delivering.back(held, answer.seconds), NOT_SENT
    outcome = Outcome(
        to="ready",
        count=held.count,
        nothing_queued=True,
        probe=True,
        wire=replace(answer.wire, lookups=True),
    )
    match answer.outcome:
        case Refused() as refused:
            stop = delivering.stopped(stopping.refused(refused, Memory.read(held.facts)))
            return replace(outcome, stop=stop), PROBED
        case Throttled(retry_after_seconds=seconds):
            return replace(outcome, due_in_ms=round((seconds or 0) * 1000)), PROBED
        case _:
            return outcome, PROBED
