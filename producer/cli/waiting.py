"""Waits for runs on behalf of a command: follows them with a bar, prints how they ended, and gives the exit code."""

import asyncio
from collections.abc import Sequence

from producer.cli.calling import Call
from producer.cli.following import follow
from producer.cli.printing import results, say
from producer.cli.progress import view
from producer.cli.tables import RUNS, table
from producer.cli.watched import exit_code, watched
from producer.client.http import Reply, route


async def wait_for(call: Call, ids: Sequence[str]) -> int:
    """Follow runs to their end; with `--json` one document a line is all that standard output gets."""

    async def look(run_id: str) -> Reply:
        return await call.api.ask("GET", route("runs", run_id))

    try:
        with view(results(on_stderr=call.for_programs)) as shown:
            ended = await follow(look, ids, shown)
    except asyncio.CancelledError:
        say("No longer watching; what runs goes on.", f"segment-export runs watch {' '.join(ids)}")
        raise
    if call.for_programs:
        call.echo(*(reply.body for reply in ended))
    else:
        results().print(table(RUNS, [reply.document for reply in ended]))
    return exit_code([watched(reply.document).state for reply in ended])
