"""Decides whether it is a run's turn to send everybody again, so that what drifted apart heals. Pure."""

from producer.people.membership_summary import Summary
from wire.chunk_queue.run import Mode, Run
from wire.process.units import DAY_MS


def mode_of_run(run: Run, summary: Summary) -> Mode:
    """What the run sends: everything if it was asked for, or if its export's turn for it has come.

    The first run into a list counts as a full one, since it sends everybody.
    """
    if run.mode is Mode.FULL or summary.is_new:
        return run.mode
    every_runs, every_days = run.spec.get("full_every_runs"), run.spec.get("full_every_days")
    if every_runs is not None and summary.since_full + 1 >= every_runs:
        return Mode.FULL
    since_ms = (run.begun or run.created) - (summary.full_at or 0)
    return Mode.FULL if every_days is not None and since_ms >= every_days * DAY_MS else Mode.CHANGES
