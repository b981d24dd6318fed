"""Rejects: a line for every row that was invalid and every contact that was refused, kept in compressed pages of NDJSON.

They are the one place besides chunks and membership where addresses are kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from wire import codec

PAGE_LINES: Final = 500


class RejectCode(StrEnum):
    """Why a contact is refused; closed, so that it can be translated."""

    REFUSED_BY_ACTIVECAMPAIGN = "refused_by_activecampaign"
    OPTED_OUT_OR_EXCLUDED = "opted_out_or_excluded"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row did not reach the list. `row` counts from 1; `code` is from a closed set, `reason` a sentence.

    Leavers are in no row (None).
    """

    row: int | None
    email: str
    fate: Literal["invalid", "refused", "held_back"]
    code: str
    reason: str

    def line(self) -> bytes:
        """Write it as a line of NDJSON."""
        fields = {"row": self.row, "email": self.email, "fate": self.fate, "code": self.code, "reason": self.reason}
        return codec.encode(fields) + b"\n"


def page(rejects: Iterable[Reject]) -> bytes:
    """Write rejects as one page; empty if there are none."""
    lines = b"".join(reject.line() for reject in rejects)
    return codec.squeeze(lines) if lines else b""
