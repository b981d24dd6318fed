"""What the record of runs is asked and answers. Pure."""

from dataclasses import dataclass
from typing import Literal

LeaseAnswer = Literal["ok", "lost", "over"]
AppendAnswer = Literal["ok", "lost", "over", "forgotten"]
Steering = Literal["pause", "resume", "cancel"]
ReportName = Literal["rejects", "held_back", "moved"]
SteerAnswer = Literal["done", "already", "over", "unknown", "closed"]


@dataclass(frozen=True, slots=True)
class SafeguardStop:
    """Why a run must not begin to send before a person has accepted what it would do."""

    code: Literal["brake", "contract", "leavers_guard", "leavers_by_hand"]
    reason: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What the record says after chunks were offered to it.

    `forgotten`: look again for whom to pass over; `bells`: how many are on their way to the account's workers.
    """

    reading: AppendAnswer
    held_bytes: int = 0
    ready_chunks: int = 0
    bells: int = 0
