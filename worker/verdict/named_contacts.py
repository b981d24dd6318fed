"""Reads which contacts an importer's answer names: what it counts from rests on one probe, so answers may tell. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PROBED_BASE: Final = 1
"""The one live probe counted from 1. Where it is wrong the rest is refused again, so that nothing is believed of it."""

OTHER_BASE: Final = 0


@dataclass(frozen=True, slots=True)
class Counting:
    """What an answer counts from, and whether it is certain: told by a name that only one way of counting has."""

    base: int
    certain: bool


def counting(named: Collection[int], length: int, known: int | None) -> Counting | None:
    """Tell from the names and the length of the request what is counted from; None where no way of counting fits.

    `known`: the base that an earlier answer to this chunk has told.
    """
    fitting = [base for base in (OTHER_BASE, PROBED_BASE) if all(base <= name < base + length for name in named)]
    if known is not None:
        return Counting(known, certain=True) if known in fitting else None
    match fitting:
        case [base]:
            return Counting(base, certain=True)
        case []:
            return None
        case _:
            return Counting(PROBED_BASE, certain=False)
