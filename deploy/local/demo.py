"""The demo: a made-up segment exported into the sandbox at the published limits, and the outcome held to account.

It asks only what anybody could ask: the producer's HTTP API, and the sandbox's own pages.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from deploy.local import reckoning
from deploy.local.people import profiles
from deploy.local.processes import ProcessError
from deploy.local.reckoning import Figure, SandboxTotals
from deploy.local.segment import MAPPING, ExpectedOutcome, expected_outcome, write_segment
from deploy.local.stack import Plan, Stack
from deploy.local.watching import view
from producer.cli.following import follow
from producer.client.errors import ApiError
from producer.client.http import Api, Reply, opened, route
from producer.client.publish import publish_segment_refreshed_async
from wire.store import codec

SEGMENT: Final = "vip"
CONNECTION: Final = "sandbox"
EXPORT: Final = "vip"
LIST: Final = "12"
OTHER_LIST: Final = "3"
IMPORTS_PER_MINUTE: Final = 100

PATIENCE_FACTOR: Final = 3
PATIENCE_SECONDS: Final = 120.0
"""Besides three times what the run needs at the allowance: the survey, the last batches, and a slow machine."""


def demonstrate(count: int, console: Console) -> int:
    """Run the demo with so many profiles; 0 only if everything is as expected. What it leaves behind is said if it is not."""
    directory = Path(tempfile.mkdtemp(prefix="segment-export-demo-"))
    try:
        wrong = _demonstrate(count, directory, console)
    except (ProcessError, ApiError, TimeoutError) as error:
        wrong = [str(error)]
    except KeyboardInterrupt:
        shutil.rmtree(directory)
        raise
    if wrong:
        console.print("Not as expected:", *wrong, sep="\n  ", style="red")
        console.print(f"The programs' logs are in {directory}")
        return 1
    shutil.rmtree(directory)
    console.print("Everything is as expected.", style="green")
    return 0


def _demonstrate(count: int, directory: Path, console: Console) -> list[str]:
    snapshot = directory / f"{SEGMENT}.parquet"
    write_segment(profiles(count), snapshot)
    outcome = expected_outcome(profiles(count))
    console.print(
        f"Made a segment of {count:,} profiles: {outcome.invalid} invalid, {outcome.duplicates} duplicates, "
        f"{outcome.refused} opted out or excluded."
    )
    console.print("Starting Valkey, the sandbox, the producer and two workers.")
    with Stack(Plan(directory, snapshots=directory)) as stack:
        console.print(f"The sandbox shows what it sees on http://{stack.sandbox}/sandbox/")
        return asyncio.run(_export(stack, snapshot, outcome, console))


async def _export(stack: Stack, snapshot: Path, outcome: ExpectedOutcome, console: Console) -> list[str]:
    token = stack.plan.secrets.admin_token
    async with opened(f"http://{stack.producer}", token) as producer, opened(f"http://{stack.sandbox}", "") as sandbox:
        await _opt_out(sandbox, outcome)
        await _set_up(producer, stack)
        answer = await publish_segment_refreshed_async(
            f"http://{stack.producer}", token, segment=SEGMENT, snapshot=str(snapshot)
        )
        if len(answer.runs) != 1:
            return [f"The event opened {len(answer.runs)} runs instead of one: {answer.reason}"]
        run_id = answer.runs[0]
        console.print(f"Published segment.refreshed; it opened the run {run_id}.")
        run = await _watch(producer, run_id, stack, outcome, console)
        rejects = [codec.decode(line) async for line in producer.stream(route("runs", run_id, "rejects"))]
        seen = await _look(sandbox)
    figures = reckoning.reckon(outcome, run, rejects, seen)
    _report(run, seen, figures, console)
    return reckoning.wrong(figures)


async def _opt_out(sandbox: Api, outcome: ExpectedOutcome) -> None:
    """Let some people have left the list, or another one, or be excluded from the account, before anything is sent."""
    await sandbox.ask("POST", "/sandbox/opt_outs", body={"list": LIST, "emails": sorted(outcome.opted_out)})
    elsewhere = {"list": OTHER_LIST, "emails": sorted(outcome.opted_out_elsewhere)}
    await sandbox.ask("POST", "/sandbox/opt_outs", body=elsewhere)
    await sandbox.ask("POST", "/sandbox/exclusions", body={"emails": sorted(outcome.excluded)})


async def _set_up(producer: Api, stack: Stack) -> None:
    connection = {
        "name": CONNECTION,
        "host": stack.sandbox,
        "api_key": stack.plan.secrets.sandbox_key,
        "consent": True,
        "limits": {"imports_per_minute": IMPORTS_PER_MINUTE},
    }
    export = {"name": EXPORT, "connection": CONNECTION, "segment": SEGMENT, "list_id": LIST, "mapping": MAPPING}
    await producer.ask("POST", route("connections"), body=connection)
    await producer.ask("POST", route("exports"), body=export)


async def _watch(
    producer: Api, run_id: str, stack: Stack, outcome: ExpectedOutcome, console: Console
) -> dict[str, Any]:
    """Follow the run to its end. Raises ProcessError if a program ends before, TimeoutError if the run takes far too long."""

    async def look(run: str) -> Reply:
        stack.check()
        return await producer.ask("GET", route("runs", run))

    patience = PATIENCE_SECONDS + PATIENCE_FACTOR * 60 * outcome.chunks / IMPORTS_PER_MINUTE
    try:
        async with asyncio.timeout(patience):
            with view(console) as shown:
                ended = await follow(look, [run_id], shown)
    except TimeoutError:
        raise TimeoutError(f"The run {run_id} was not over within {patience:.0f} s") from None
    document: dict[str, Any] = ended[0].document
    return document


async def _look(sandbox: Api) -> SandboxTotals:
    totals = await sandbox.ask("GET", "/sandbox/totals")
    members = (await sandbox.ask("GET", f"/sandbox/lists/{LIST}/members")).document
    subscribed, unsubscribed = (
        frozenset(address.lower() for address in members[status]) for status in ("subscribed", "unsubscribed")
    )
    return SandboxTotals(totals.document, subscribed, unsubscribed)


def _report(run: dict[str, Any], seen: SandboxTotals, figures: Sequence[Figure], console: Console) -> None:
    console.print(reckoning.table(figures))
    console.print(reckoning.pace(run, seen))
