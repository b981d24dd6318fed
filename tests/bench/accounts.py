"""`python -m tests.bench.accounts FILE`: many sandbox accounts in one process, each on a port of its own.

The file is JSON: `{"key": "...", "accounts": [{"port": 8321, "switches": {...}}, ...]}`; switches as the sandbox has them.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web

from tests.sandbox.app import create_app
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed

LOOPBACK: Final = "127.0.0.1"
NEVER: Final = 1_000_000_000


def main() -> None:
    """Serve the accounts of the file until told to end."""
    # The oldest generation is never collected: with a million contacts its pause would be seen as a burst by strict windows.
    gc.set_threshold(*gc.get_threshold()[:2], NEVER)
    told = orjson.loads(Path(sys.argv[1]).read_bytes())
    asyncio.run(_serve(told["key"], told["accounts"]))


async def _serve(key: str, accounts: Sequence[Mapping[str, Any]]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runners = []
    for account in accounts:
        app = create_app(Settings(key=key, switches=changed(Switches(), account["switches"])))
        runners.append(web.AppRunner(app, access_log=None, shutdown_timeout=1.0))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], LOOPBACK, account["port"]).start()
    await stopped.wait()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    main()
