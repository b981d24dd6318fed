"""The rows of the table by their numbers: each measures one thing in a directory of its own, and returns figures."""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.bench.figures import Figure
from tests.bench.rows import (
    allowance,
    fairness,
    memory,
    million,
    peers,
    producer,
    scale_out,
    start_up,
    unlimited,
)
from tests.bench.sizes import Sizes

Measure = Callable[[Sizes, Path], Coroutine[Any, Any, list[Figure]]]


class Row(NamedTuple):
    """One row: what it is called, and how it is measured."""

    title: str
    measure: Measure


ROWS: Final[Mapping[int, Row]] = {
    1: Row("Allowance used", allowance.measure),
    2: Row("A million, scaled limits", million.measure),
    3: Row("Unlimited other end", unlimited.measure),
    4: Row("Producer", producer.measure),
    5: Row("Memory", memory.measure),
    6: Row("Fairness", fairness.measure),
    7: Row("Scale-out", scale_out.measure),
    8: Row("Start-up and recovery", start_up.measure),
    9: Row("Peers", peers.measure),
}
