"""What becomes of a chunk after one answer, as a value: pure, with no clock, no dice and no network.

`judge_delivery` judges the answer to an import, `judge_batch` the answer to how far its batch is. Both get what happened
and the chunk's facts, and return one of a closed set of verdicts (`verdicts`), with what the chunk must remember for the
next time (`memory`). Who asks carries them out.
"""

from wire.chunk_queue.rejects import RejectCode
from worker.verdict.batch import BatchFacts, judge_batch
from worker.verdict.chunk_history import AddressChangeHistory, ChunkHistory, DeliveryProgress, ExcludedContacts
from worker.verdict.delivery import DeliveryFacts, judge_delivery
from worker.verdict.verdicts import (
    Applied,
    BatchVerdict,
    DeliveryVerdict,
    Done,
    Later,
    Never,
    Part,
    Poll,
    Refusal,
    Split,
    Stop,
    StopCode,
    Unconfirmed,
    Unsent,
    Waiting,
)

__all__ = [
    "AddressChangeHistory",
    "Applied",
    "BatchFacts",
    "BatchVerdict",
    "ChunkHistory",
    "DeliveryFacts",
    "DeliveryProgress",
    "DeliveryVerdict",
    "Done",
    "ExcludedContacts",
    "Later",
    "Never",
    "Part",
    "Poll",
    "Refusal",
    "RejectCode",
    "Split",
    "Stop",
    "StopCode",
    "Unconfirmed",
    "Unsent",
    "Waiting",
    "judge_batch",
    "judge_delivery",
]
