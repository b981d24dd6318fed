"""A run as somebody sees it: its state in a word, its books as bars, its way to the deadline, what may be done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from producer.services.run_documents import RunDocument
from producer.web.rendering.charts import Bar, Chart, bar, chart
from producer.web.rendering.run_labels import DRY, NOTHING, READ, REMEDIES, RETRY, SENT, STATES, TRIGGERS, Word
from wire.chunk_queue.run import Run, RunState, phase, state
from wire.process.units import MINUTE_MS

STANDING: Final = frozenset({RunState.PAUSED, RunState.BLOCKED})


@dataclass(frozen=True, slots=True)
class RunView:
    """What a template needs of a run; times in milliseconds, texts in English."""

    run: Run
    document: RunDocument
    now: int
    finish: int | None

    @property
    def word(self) -> Word:
        """The run's state, never a better one than it is."""
        return DRY if self.run.dry_run and state(self.run) is RunState.SUCCEEDED else STATES[state(self.run)]

    @property
    def phase(self) -> Word:
        """How far it was when it was stopped."""
        return STATES[phase(self.run)]

    @property
    def stands_still(self) -> bool:
        """Whether somebody stopped it, or something did."""
        return state(self.run) in STANDING

    @property
    def why(self) -> str:
        """What opened it."""
        return RETRY if self.run.retry_of else TRIGGERS[self.run.trigger]

    @property
    def shortfalls(self) -> Mapping[str, int]:
        """How many were selected, or leave, and are not applied though the run is over; by the words of the books."""
        if not self.run.over or self.run.dry_run:
            return {}
        counts = {name: self._fate(name) for name in ("refused", "unconfirmed", "unsent")}
        return {name: count for name, count in counts.items() if count}

    @property
    def read(self) -> Bar:
        """Where every row went."""
        return bar({name: getattr(self.run.books, name) for name in READ})

    @property
    def sent(self) -> Bar:
        """Where everybody who was selected went."""
        return bar({name: getattr(self.run.books, name) for name in SENT})

    @property
    def leaving(self) -> Bar:
        """Where those went who left the segment and are sent."""
        return bar({name: getattr(self.document.books.leaving, name) for name in SENT})

    @property
    def adds_up(self) -> bool:
        """Whether the books close, as they always must."""
        return self.run.books.close(over=self.run.over) and not self.run.unbalanced

    @property
    def settled(self) -> int:
        """How many of the contacts that are sent have a fate."""
        return self.run.contacts - self.run.pending

    @property
    def share(self) -> float:
        """How much of the run is settled; all of it once it is over."""
        if self.run.over:
            return 1.0
        return self.settled / self.run.contacts if self.run.contacts else 0.0

    @property
    def percent(self) -> int:
        """The share in hundredths, rounded down: nothing is said to be done before it is."""
        return int(self.share * 100)

    @property
    def spare_minutes(self) -> int | None:
        """How many minutes before its deadline it ended, or is foreseen to; fewer than none are minutes after."""
        end = self.run.finished if self.run.over else self._ahead
        return None if end is None else int((self.run.deadline - end) // MINUTE_MS)

    @property
    def minutes_left(self) -> int:
        """How many minutes are left until the deadline."""
        return int((self.run.deadline - self.now) // MINUTE_MS)

    @property
    def chart(self) -> Chart | None:
        """The way to the deadline, once there is one: nothing is sent before the survey, nor by a dry run or before a brake."""
        run = self.run
        if run.surveyed is None or run.dry_run or not run.contacts:
            return None
        if run.first_import is None and (run.over or self.stands_still):
            return None
        return chart(
            created=run.created,
            moves=run.first_import or run.surveyed,
            now=run.finished or self.now,
            deadline=run.deadline,
            share=self.settled / run.contacts,
            finish=self._ahead,
        )

    @property
    def forecast(self) -> Mapping[str, Any]:
        """What the survey foresaw, empty before it has; records of older versions may lack a part."""
        return {**NOTHING, **self.run.forecast} if self.run.forecast else {}

    @property
    def remedy(self) -> str:
        """What to do about what blocks it."""
        return REMEDIES.get(self.run.block.code, "") if self.run.block else ""

    @property
    def acts(self) -> tuple[str, ...]:
        """What a person may do with it now."""
        run = self.run
        if run.over:
            short = run.books.refused + run.books.unconfirmed + run.books.unsent
            return ("retry",) if short and not run.dry_run else ()
        if run.ending is not None:
            return ()
        if run.block is not None:
            if run.block.code == "leavers_by_hand":
                return ("accept", "decline", "cancel")
            return ("accept" if run.block.asks else "resume", "cancel")
        return ("resume" if run.paused else "pause", "cancel")

    @property
    def _ahead(self) -> int | None:
        """When it is foreseen to end: not while it stands still, since nobody knows for how long."""
        return None if self.run.over or self.stands_still else self.finish

    def _fate(self, name: str) -> int:
        count: int = getattr(self.run.books, name) + getattr(self.run.leavers, name)
        return count


def run_view(run: Run, projected: Mapping[str, int], now: int) -> RunView:
    """See a run, with when each is foreseen to finish by id."""
    finish = projected.get(run.id)
    return RunView(run, RunDocument.of(run, finish), now, finish)
