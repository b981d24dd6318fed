"""Rejects: a line for every row that was invalid and every contact that was refused, kept in compressed pages of NDJSON.

They are the one place besides chunks and membership where addresses are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from wire.store import codec

PAGE_LINES: Final = 500


class RejectCode(StrEnum):
    """Why a contact is refused; closed, so that it can be translated."""

    REFUSED_BY_ACTIVECAMPAIGN = "refused_by_activecampaign"
    OPTED_OUT_OR_EXCLUDED = "opted_out_or_excluded"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Reject:
    """Why a row did not reach the list. `row` counts from 1; `code` is from a closed set, `reason` a sentence.

    Leavers are in no row (None). `former`: the address that somebody was known by, where theirs has changed.
    """

    row: int | None
    email: str
    fate: Literal["invalid", "refused", "held_back", "changed_address"]
    code: str
    reason: str
    former: str | None = None

    def line(self) -> bytes:
        """Write it as a line of NDJSON."""
        fields = {"row": self.row, "email": self.email, "fate": self.fate, "code": self.code, "reason": self.reason}
        return codec.encode(fields if self.former is None else fields | {"former": self.former}) + b"\n"


def addresses_in(line: Mapping[str, Any]) -> tuple[str, ...]:
    """The addresses in a line, as it is read again."""
    return (line["email"], line["former"]) if "former" in line else (line["email"],)


def page(rejects: Iterable[Reject]) -> bytes:
    """Write rejects as one page; empty if there are none."""
    lines = b"".join(reject.line() for reject in rejects)
    return codec.squeeze(lines) if lines else b""
