"""What must hold after any chaos, looked at from outside: the API, the account, the logs."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from deploy.local.stack import OUTSIDE
from producer.client.http import Api, route

BUGS: Final = frozenset({"step_failed", "reading_failed", "request_failed", "event_failed"})
"""What our programs log when something happened that nobody expected."""


@dataclass(frozen=True, slots=True)
class Promised:
    """A refresh that was answered with a yes: its run and its people."""

    run: str
    emails: frozenset[str]


async def broken(promised: Sequence[Promised], producer: Api, sandbox: Api, directory: Path) -> list[str]:
    """Name the promises that do not hold."""
    runs = {
        run["id"]: run for run in (await producer.ask("GET", route("runs"), query={"limit": "200"})).document["items"]
    }
    members = (await sandbox.ask("GET", "/sandbox/lists/12/members")).document
    totals = (await sandbox.ask("GET", "/sandbox/totals")).document
    on_the_list = frozenset(members["subscribed"])
    found = []
    for each in promised:
        run = runs.pop(each.run, None)
        if run is None:
            found.append(f"{each.run} was accepted and is not there")
            continue
        books = run["books"]
        told = (run["state"], books["selected"], books["applied"], books["pending"])
        if told != ("succeeded", len(each.emails), len(each.emails), 0):
            found.append(f"{each.run} ended {told}")
        if not each.emails <= on_the_list:
            found.append(f"{len(each.emails - on_the_list)} people of {each.run} are not on the list")
    found += [f"{run} was opened by nobody" for run in runs]
    for name in ("resubscribed", "automations_fired"):
        if totals[name]:
            found.append(f"{name}: {totals[name]}")
    found += [f"{file}: {event}" for file, event in logged(directory) if event in BUGS]
    return found


def logged(directory: Path) -> Iterator[tuple[str, str]]:
    """What our programs logged, as pairs of a program and an event."""
    for file in directory.glob("*.log"):
        if file.stem not in OUTSIDE:
            for line in file.read_text().splitlines():
                yield file.stem, str(json.loads(line)["event"])


def table(done: Counter[str], promised: Sequence[Promised]) -> Table:
    """What was done, how often, and to how many."""
    shown = Table("what happened", "times")
    for deed, times in sorted(done.items()):
        shown.add_row(deed, str(times))
    shown.add_row("refreshes accepted", str(len(promised)))
    shown.add_row("people in them", f"{sum(len(each.emails) for each in promised):,}")
    return shown
