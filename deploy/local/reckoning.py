"""Holds the demo's run against what its segment was made for, and against what the sandbox saw; pure, it asks nobody."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich import box
from rich.table import Table

from deploy.local.segment import ExpectedOutcome

SHARE_FROM_SECONDS: Final = 30.0

RunJson = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SandboxTotals:
    """What ActiveCampaign, here the sandbox, says afterwards: its totals, who is subscribed to the list and who left it."""

    totals: RunJson
    subscribed: frozenset[str]
    unsubscribed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, what it must be and what it is."""

    name: str
    expected: int | str
    found: int | str

    @property
    def is_right(self) -> bool:
        """Whether it is what it must be."""
        return self.expected == self.found


def reckon(outcome: ExpectedOutcome, run: RunJson, rejects: Collection[RunJson], seen: SandboxTotals) -> list[Figure]:
    """Compare everything that can be known beforehand, the run's own words first."""
    return [*_of_run(outcome, run, rejects), *_of_sandbox(outcome, seen)]


def wrong(figures: Sequence[Figure]) -> list[str]:
    """Say which figures are not as expected, in a sentence each."""
    return [
        f"{figure.name}: {_plain(figure.found)} instead of {_plain(figure.expected)}"
        for figure in figures
        if not figure.is_right
    ]


def table(figures: Sequence[Figure]) -> Table:
    """Lay figures out, wrong ones marked."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("")
    made.add_column("expected", justify="right")
    made.add_column("found", justify="right")
    for figure in figures:
        style = "" if figure.is_right else "bold red"
        made.add_row(figure.name, _plain(figure.expected), _plain(figure.found), style=style)
    return made


def pace(run: RunJson, seen: SandboxTotals) -> str:
    """Say how fast it went, by the sandbox's own times of the first import and the last.

    The share of the allowance is left out where a handful of imports took less than the window that limits them.
    """
    totals = seen.totals
    seconds = totals["last_import"] - totals["first_import"]
    share = f", {totals['allowance_used']:.1%} of the account's allowance" if seconds >= SHARE_FROM_SECONDS else ""
    requests = f"{run['requests']:,} requests with the polls, {run['throttles']:,} throttle answers"
    return f"{totals['imports']:,} imports in {seconds / 60:.2f} minutes{share}; {requests}."


def _of_run(outcome: ExpectedOutcome, run: RunJson, rejects: Collection[RunJson]) -> Iterator[Figure]:
    yield Figure("state", "partial" if outcome.refused else "succeeded", run["state"])
    for word, contacts in outcome.books().items():
        yield Figure(word, contacts, run["books"][word])
    yield Figure("rejects listed", outcome.invalid + outcome.refused, len(rejects))
    yield Figure("phones left out", outcome.phones_left_out, run["phones_left_out"])
    yield Figure("chunks", outcome.chunks, run["chunks"])
    yield Figure("throttle answers", 0, run["throttles"])


def _of_sandbox(outcome: ExpectedOutcome, seen: SandboxTotals) -> Iterator[Figure]:
    totals = seen.totals
    yield Figure("imports at the sandbox", outcome.chunks, totals["imports"])
    yield Figure("limits broken there", 0, totals["violations"])
    yield Figure("on the list there", len(outcome.members), len(seen.subscribed))
    yield Figure("strangers among them", 0, len(seen.subscribed - outcome.members))
    yield Figure("opted out and still off", len(outcome.opted_out), len(outcome.opted_out & seen.unsubscribed))
    yield Figure("subscribed against their will", 0, totals["resubscribed"])
    yield Figure("automations fired", 0, totals["automations_fired"])


def _plain(figure: int | str) -> str:
    return f"{figure:,}" if isinstance(figure, int) else figure
