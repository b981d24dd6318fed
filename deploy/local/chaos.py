"""A stack under random faults: everything is killed, ended, frozen and lied to while runs follow one another.

The same seed breaks the same things in the same order. What must hold in the end is said in `promises`.
"""

import asyncio
import csv
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console

from deploy.local import promises
from deploy.local.processes import ProcessError
from deploy.local.stack import Plan, Stack
from producer.client.errors import ApiError
from producer.client.http import Api, opened, route
from producer.client.publish import publish_segment_refreshed_async

LIST: Final = "12"
WORKERS: Final = 3
LIMITS: Final = {"imports_per_minute": 600, "single_imports_per_minute": 120, "requests_per_second": 30}
SANDBOX: Final = (
    *("--imports-per-minute", "600", "--single-imports-per-minute", "120", "--requests-per-second", "30"),
    *("--batch-seconds", "0.5:4", "--silence-seconds", "5", "--retry-after-seconds", "3", "--edge-retry-seconds", "3"),
)
PEOPLE: Final = (1, 250, 2_500, 10_000)
"""How many a segment may have."""

PAUSE_SECONDS: Final = (1.0, 5.0)
FROZEN_SECONDS: Final = (1.0, 8.0)
LOOK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 240.0
"""After the last fault: the longest backoff and what is left of the work."""

RATES: Final = ("500:0.1", "502:0.05", "503:0.05", "504:0.05", "reset_before:0.05", "reset_after:0.05", "cut:0.05")
MORE_RATES: Final = ("forbidden:0.03", "throttled:0.03", "silence:0.02", "empty:0.02")
LOST: Final = ("failed:0.05", "interrupted:0.05", "unknown:0.03", "false:0.03")


@dataclass
class Chaos:
    """What was done so far, and what was promised meanwhile."""

    stack: Stack
    dice: Random
    done: Counter[str] = field(default_factory=Counter)
    promised: list[promises.Promised] = field(default_factory=list)

    def break_something(self) -> None:
        """Do one thing that happens at night, and mend what has to be mended by whoever keeps programs running."""
        stack, dice = self.stack, self.dice
        ours = ("producer", *(f"worker-{number}" for number in range(1, WORKERS + 1)))
        name = dice.choice((*ours, "valkey"))
        deeds: dict[str, Callable[[], None]] = {
            f"{name} killed": lambda: self._again(name, stack.kill),
            f"{name} ended": lambda: self._again(name, stack.end),
            f"{name} frozen": lambda: self._frozen(name),
            "all workers killed": lambda: self._all(ours[1:]),
            "everything killed": lambda: self._all((*ours, "valkey")),
        }
        deed = dice.choices(list(deeds), weights=(4, 2, 2, 1, 1))[0]
        self.done[deed] += 1
        deeds[deed]()

    def weather(self) -> dict[str, Any]:
        """What the account is to answer from now on."""
        rules = (
            [*RATES, *(rule for rule in MORE_RATES if self.dice.random() < 1 / 2)] if self.dice.random() < 2 / 3 else []
        )
        self.done["the account faulty" if rules else "the account calm"] += 1
        return {
            "faults": rules,
            "batch_faults": list(LOST) if rules else [],
            "throttle": self.dice.choice(["400", "429", "503"]),
        }

    def _again(self, name: str, how: Callable[[str], object]) -> None:
        how(name)
        self.stack.restart(name)

    def _all(self, names: tuple[str, ...]) -> None:
        for name in names:
            self.stack.kill(name)
        for name in reversed(names):
            self.stack.restart(name)

    def _frozen(self, name: str) -> None:
        self.stack.freeze(name)
        try:
            time.sleep(self.dice.uniform(*FROZEN_SECONDS))
        finally:
            self.stack.thaw(name)


def let_loose(minutes: float, seed: int, console: Console) -> int:
    """Break things for so many minutes; 0 only if every promise held. What is left behind is said if one did not."""
    directory = Path(tempfile.mkdtemp(prefix="segment-export-chaos-"))
    console.print(f"Chaos with seed {seed} for {minutes:g} minutes.")
    try:
        with Stack(
            Plan(directory, snapshots=directory, sandbox=(*SANDBOX, "--seed", str(seed)), workers=WORKERS)
        ) as stack:
            chaos = Chaos(stack, Random(seed))
            broken = asyncio.run(_run(chaos, minutes, directory))
    except (ProcessError, ApiError, TimeoutError) as error:
        broken = [str(error)]
    else:
        console.print(promises.table(chaos.done, chaos.promised))
    if broken:
        console.print("Promises that did not hold:", *broken, sep="\n  ", style="red")
        console.print(f"Logs and snapshots are in {directory}; the seed was {seed}.")
        return 1
    shutil.rmtree(directory)
    console.print("Every promise held.", style="green")
    return 0


async def _run(chaos: Chaos, minutes: float, directory: Path) -> list[str]:
    stack = chaos.stack
    token = stack.plan.secrets.admin_token
    async with opened(f"http://{stack.producer}", token) as producer, opened(f"http://{stack.sandbox}", "") as sandbox:
        await _set_up(producer, stack)
        until = time.monotonic() + minutes * 60
        publishing = asyncio.create_task(_publish(chaos, until, directory, producer))
        while time.monotonic() < until:
            await asyncio.sleep(chaos.dice.uniform(*PAUSE_SECONDS))
            if chaos.dice.random() < 1 / 3:
                await sandbox.ask("POST", "/sandbox/switches", body=chaos.weather())
            else:
                await asyncio.to_thread(chaos.break_something)
        await sandbox.ask("POST", "/sandbox/switches", body={"faults": [], "batch_faults": []})
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await publishing
        except TimeoutError:
            return await _not_over(chaos, producer)
        return await promises.broken(chaos.promised, producer, sandbox, directory)


async def _publish(chaos: Chaos, until: float, directory: Path, producer: Api) -> None:
    """Publish one refresh after the other, each when the run before is over."""
    number = 0
    while time.monotonic() < until:
        number += 1
        size = chaos.dice.choice(PEOPLE)
        emails = [f"r{number}.person{person}@example.com" for person in range(size)]
        snapshot = directory / f"refresh-{number}.csv"
        with snapshot.open("w", newline="") as file:
            csv.writer(file).writerows([["Email"], *([email] for email in emails)])
        run = await _accepted(chaos.stack, snapshot, number)
        chaos.promised.append(promises.Promised(run, frozenset(emails)))
        while not await _is_over(producer, run):  # noqa: ASYNC110  it is another program's doing
            await asyncio.sleep(LOOK_SECONDS)


async def _not_over(chaos: Chaos, producer: Api) -> list[str]:
    """Say of each run that does not end what it says of itself."""
    documents = [(await producer.ask("GET", route("runs", each.run))).document for each in chaos.promised]
    return [
        f"{run['id']} is {run['state']} {PATIENCE_SECONDS:g} s after the last fault: {run['blocked']}, {run['books']}"
        for run in documents
        if run["finished"] is None
    ] or [f"a refresh was not accepted within {PATIENCE_SECONDS:g} s of the last fault"]


async def _accepted(stack: Stack, snapshot: Path, number: int) -> str:
    """Say it, the same event each time, until it is answered with a yes."""
    url, token = f"http://{stack.producer}", stack.plan.secrets.admin_token
    while True:
        try:
            answer = await publish_segment_refreshed_async(
                url, token, segment="chaos", snapshot=str(snapshot), id=f"refresh-{number}"
            )
        except ApiError:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        return answer.runs[0]


async def _is_over(producer: Api, run: str) -> bool:
    try:
        document = (await producer.ask("GET", route("runs", run))).document
    except ApiError:
        return False
    return document["finished"] is not None


async def _set_up(producer: Api, stack: Stack) -> None:
    key = stack.plan.secrets.sandbox_key
    connection = {"name": "chaos", "host": stack.sandbox, "api_key": key, "consent": True, "limits": LIMITS}
    export = {
        "name": "chaos",
        "connection": "chaos",
        "segment": "chaos",
        "list_id": LIST,
        "mapping": {"email": "Email"},
        "brake": None,
    }
    await producer.ask("POST", route("connections"), body=connection)
    await producer.ask("POST", route("exports"), body=export)
