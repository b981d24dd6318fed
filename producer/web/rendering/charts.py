"""Draws a run in figures that a template writes as SVG: books as bars that add up, and the way to the deadline. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wire.process.units import MINUTE_MS, SECOND_MS

BAR_UNITS: Final = 1_000
LEAST_UNITS: Final = 4
"""What is there can be seen, however little it is."""

CHART_WIDTH: Final = 640
CHART_HEIGHT: Final = 200
LEFT, RIGHT, TOP, BOTTOM = 84, 40, 14, 36
"""Room for the words around the frame, also where a phone writes them larger."""

FAR: Final = 5
"""A deadline that is so many times as far as the end is not drawn: all else would be a stroke at the left."""

TICKS_MOST: Final = 6
SECONDS_UP_TO_MS: Final = 3 * MINUTE_MS
STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 10_080)


@dataclass(frozen=True, slots=True)
class BarPiece:
    """One part of a bar: which word of the books it is, how many, and where it is drawn."""

    word: str
    count: int
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A whole and its parts; the parts drawn are as wide as the whole."""

    total: int
    pieces: tuple[BarPiece, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis, so many seconds or minutes after the beginning."""

    x: float
    count: int


@dataclass(frozen=True, slots=True)
class Chart:
    """How much of a run is settled over time: as it went, as it is foreseen, and when it should be over.

    `done` and `ahead` are the points of lines, as SVG writes them; `ahead` is empty where nothing is foreseen. `deadline` is
    None where it lies far beyond the frame; ticks count seconds or minutes.
    """

    done: str
    ahead: str
    now: tuple[float, float]
    deadline: float | None
    is_late: bool
    in_seconds: bool
    ticks: tuple[Tick, ...]


def bar(parts: Mapping[str, int]) -> Bar:
    """Draw parts of a whole: each as wide as its share, but to be seen, and all together as wide as the bar."""
    there = {word: count for word, count in parts.items() if count > 0}
    total = sum(there.values())
    widths = {word: max(LEAST_UNITS, count * BAR_UNITS // total) for word, count in there.items()}
    if widths:
        # What rounding leaves or takes is the largest part's: nobody sees it there.
        widths[max(there, key=there.__getitem__)] += BAR_UNITS - sum(widths.values())
    pieces, x = [], 0
    for word, width in widths.items():
        pieces.append(BarPiece(word, there[word], x, width))
        x += width
    return Bar(total, tuple(pieces))


def chart(
    *,
    created: int,
    moves: int,
    now: int,
    deadline: int,
    share: float,
    finish: int | None,
) -> Chart:
    """Draw the way of a run that was created, moves since, and is at `share` now; `finish` is when it is foreseen to end.

    All times in milliseconds since 1970. Between what is recorded the line is straight.
    """
    reached = max(now, finish or 0, created + 1)
    is_far = deadline - created > FAR * (reached - created)
    end = created + (reached - created) * FAR // 4 if is_far else max(deadline, reached)
    in_seconds = end - created <= SECONDS_UP_TO_MS
    unit_ms = SECOND_MS if in_seconds else MINUTE_MS

    def place(at: int, height: float) -> tuple[float, float]:
        along = min(1.0, max(0.0, (at - created) / (end - created)))
        x = LEFT + along * (CHART_WIDTH - LEFT - RIGHT)
        y = TOP + (1 - height) * (CHART_HEIGHT - TOP - BOTTOM)
        return round(x, 1), round(y, 1)

    here = place(now, share)
    return Chart(
        done=_points([place(created, 0), place(min(moves, now), 0), here]),
        ahead=_points([here, place(finish, 1)]) if finish is not None and finish > now else "",
        now=here,
        deadline=None if is_far else place(deadline, 0)[0],
        is_late=reached > deadline,
        in_seconds=in_seconds,
        ticks=tuple(Tick(place(created + count * unit_ms, 0)[0], count) for count in _counts(end - created, unit_ms)),
    )


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in places)


def _counts(span_ms: int, unit_ms: int) -> range:
    count = span_ms // unit_ms
    step = next((step for step in STEPS if count / step <= TICKS_MOST), None) or -(-count // TICKS_MOST)
    return range(0, count + 1, step)
