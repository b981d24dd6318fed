"""`segment-export publish`: says that a segment was refreshed, as a publisher would."""

from datetime import datetime
from typing import Final

import click

from producer.cli.calling import Call, calls_api
from producer.cli.examples import ExampleCommand
from producer.cli.printing import say
from producer.cli.snapshot_paths import reachable
from producer.cli.tables import details
from producer.cli.waiting import wait_for
from producer.cli.watched import ExitCode
from producer.client import publish as publishing
from producer.client.errors import ProducerUnavailable

SOURCE: Final = "/segment-export/cli"


@click.command(
    cls=ExampleCommand,
    examples=(
        "segment-export publish vip /data/vip.parquet --wait",
        "segment-export publish vip /data/vip.parquet --id nightly-2026-11-23 --time 2026-11-23T02:00:00Z",
    ),
)
@click.argument("segment")
@click.argument("snapshot")
@click.option("--wait", is_flag=True, help="Wait for the runs: exit code 0 if succeeded, 3 if partial, 1 otherwise.")
@click.option("--id", "event_id", metavar="ID", help="The event's id: the same again opens nothing new.")
@click.option("--time", metavar="TIME", help="When it was refreshed, like 2026-11-23T02:00:00Z.")
@click.option(
    "--source", default=SOURCE, show_default=True, metavar="URI", help="Who says so; the id is the source's own."
)
@calls_api
async def publish(
    call: Call, *, segment: str, snapshot: str, wait: bool, event_id: str | None, time: str | None, source: str
) -> int:
    """Say that SEGMENT was refreshed and lies at SNAPSHOT, a URI or path as the producer sees it.

    Opens a run for every export of the segment. While the producer is away, the event is sent again for a minute.
    """
    event = publishing.refreshed(
        segment, reachable(snapshot), source=source, event_id=event_id, time=None if time is None else _time(time)
    )
    reply = await publishing.deliver(call.api, event, waits=_say_that_it_waits)
    taken = publishing.answer(reply.document)
    if taken.runs and wait:
        return await wait_for(call, taken.runs)
    call.show(reply, details)
    return ExitCode.OTHERWISE if wait else 0


def _say_that_it_waits(error: ProducerUnavailable) -> None:
    say(f"{error} Sending it again.")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.utcoffset() is None:
        raise click.UsageError(f"--time must be a time with its offset, like 2026-11-23T02:00:00Z, not {text!r}.")
    return time
