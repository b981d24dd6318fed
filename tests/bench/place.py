"""A local stack beside accounts of its own, as a row needs it: driven over HTTP, and weighed from outside."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final

import orjson
from redis import Redis

from deploy.local import processes
from deploy.local.processes import Program
from deploy.local.stack import LOOPBACK, QUEUE_DATABASE, ROOT, SANDBOX_PAGE, Plan, Stack, is_well
from deploy.local.valkey import free_port
from producer.client.http import Api, opened, route
from producer.client.publish import publish_segment_refreshed_async
from tests.bench.people import MAPPING
from tests.bench.weighing import Weight, weigh

ACCOUNTS: Final = "accounts"
LIST: Final = "12"
LOOK_SECONDS: Final = 0.05

PUBLISHED: Final = {"imports_per_minute": 100.0, "single_imports_per_minute": 20.0, "requests_per_second": 5.0}
UNLIMITED: Final[dict[str, Any]] = dict.fromkeys(PUBLISHED)
FAR_AWAY: Final = 1_000_000.0
"""What a connection is told of the limits of an account that has none: they can be any positive numbers."""

Switches = Mapping[str, Any]


class RunWentWrong(Exception):
    """A run did not end as it should have; what it measured means nothing."""


def paced(times: float) -> dict[str, float]:
    """The published limits, so many times over."""
    return {name: limit * times for name, limit in PUBLISHED.items()}


class Account:
    """One account, seen from outside."""

    def __init__(self, host: str, api: Api, switches: Switches) -> None:
        self.host = host
        self._api = api
        limits = {name: switches.get(name, PUBLISHED[name]) for name in PUBLISHED}
        self.limits = {name: FAR_AWAY if limit is None else limit for name, limit in limits.items()}

    async def totals(self) -> Any:
        """What it has seen, in figures."""
        return (await self._api.ask("GET", "/sandbox/totals")).document

    async def until(self, happened: Callable[[Any], bool]) -> None:
        """Return when its totals say that something happened."""
        while not happened(await self.totals()):  # noqa: ASYNC110  it is another process
            await asyncio.sleep(LOOK_SECONDS)

    async def tell(self, call: str, body: Mapping[str, Any]) -> None:
        """Use one of the sandbox's levers."""
        await self._api.ask("POST", f"/sandbox/{call}", body=body)

    async def subscribed(self, list_id: str) -> frozenset[str]:
        """Who is on a list, in lower case."""
        members = (await self._api.ask("GET", f"/sandbox/lists/{list_id}/members")).document
        return frozenset(map(str.lower, members["subscribed"]))


class Place:
    """The stack, its accounts, and the calls that rows make."""

    def __init__(self, stack: Stack, api: Api, accounts: Sequence[Account]) -> None:
        self.stack = stack
        self.accounts = accounts
        self._api = api

    @property
    def key(self) -> str:
        """The API key of every account."""
        return self.stack.plan.secrets.sandbox_key

    @property
    def queue_url(self) -> str:
        """Where bells are, for queues of one's own beside it."""
        return f"redis://{LOOPBACK}:{self.stack.valkey_port}/{QUEUE_DATABASE}"

    @property
    def valkey(self) -> Redis:
        """A client of the record's database."""
        return Redis(port=self.stack.valkey_port, db=0)

    async def export(self, name: str, account: int = 0, list_id: str = LIST) -> None:
        """Save an export of the segment of its name, and first the connection where it is missing."""
        connections = (await self._api.ask("GET", route("connections"))).document["items"]
        connection = f"account-{account}"
        if connection not in {each["name"] for each in connections}:
            there = self.accounts[account]
            body = {
                "name": connection,
                "host": there.host,
                "api_key": self.key,
                "consent": True,
                "limits": there.limits,
            }
            await self._api.ask("POST", route("connections"), body=body)
        body = {"name": name, "connection": connection, "segment": name, "list_id": list_id, "mapping": MAPPING}
        await self._api.ask("POST", route("exports"), body=body)

    async def publish(self, segment: str, snapshot: Path) -> str:
        """Say that a segment was refreshed, and return the id of the one run that this opens."""
        base, token = f"http://{self.stack.producer}", self.stack.plan.secrets.admin_token
        answer = await publish_segment_refreshed_async(base, token, segment=segment, snapshot=str(snapshot))
        (run,) = answer.runs
        return run

    async def run(self, run: str) -> Any:
        """Look at a run."""
        return (await self._api.ask("GET", route("runs", run))).document

    async def dry_run(self, export: str, snapshot: Path) -> Any:
        """Survey a snapshot and send nothing; return the run when it is over."""
        body = {"snapshot": str(snapshot), "dry_run": True}
        opened_ = (await self._api.ask("POST", route("exports", export, "runs"), body=body)).document
        return await self.over(opened_["run"]["id"], every_seconds=0.5)

    async def until(self, run: str, state: str) -> Any:
        """Return a run as soon as it is in a state, or over."""
        while (found := await self.run(run))["state"] != state and found["finished"] is None:
            self.stack.check()
            await asyncio.sleep(LOOK_SECONDS)
        return found

    async def over(self, run: str, *, every_seconds: float = LOOK_SECONDS) -> Any:
        """Return a run when it is over, however it ended."""
        while (found := await self.run(run))["finished"] is None:
            self.stack.check()
            await asyncio.sleep(every_seconds)
        return found

    async def ended(self, run: str, *, every_seconds: float = LOOK_SECONDS) -> Any:
        """Return a run when it is over; RunWentWrong unless everybody selected was applied."""
        found = await self.over(run, every_seconds=every_seconds)
        books = found["books"]
        if found["state"] != "succeeded" or books["applied"] != books["selected"]:
            raise RunWentWrong(f"{found['state']}: {found['error'] or books}")
        return found

    async def timed(self, segment: str, snapshot: Path) -> float:
        """Publish, and return the seconds until the run is over."""
        began = monotonic()
        await self.ended(await self.publish(segment, snapshot))
        return monotonic() - began

    def weights(self) -> dict[str, Weight]:
        """What each program has taken so far, by its name."""
        directory = self.stack.plan.directory
        return {name: weigh(int((directory / f"{name}.pid").read_text())) for name in processes.running(directory)}


@asynccontextmanager
async def place(directory: Path, accounts: Sequence[Switches], *, workers: int = 1) -> AsyncIterator[Place]:
    """Bring up a stack beside accounts with these switches; everything is ended after."""
    directory.mkdir(parents=True)  # noqa: ASYNC240  nothing else runs here yet
    hosts = [f"{LOOPBACK}:{free_port()}" for _ in accounts]
    settings = {"TRUSTED_HOSTS": ",".join(hosts), "LOG_LEVEL": "warning"}
    plan = Plan(directory, snapshots=directory.parent, sandbox=None, workers=workers, settings=settings)
    async with AsyncExitStack() as undo:
        undo.callback(processes.stop, directory, [ACCOUNTS])
        processes.start(_accounts(plan, hosts, accounts), directory).await_ready()
        stack = undo.enter_context(Stack(plan))
        api = await undo.enter_async_context(opened(f"http://{stack.producer}", plan.secrets.admin_token))
        there = [
            Account(host, await undo.enter_async_context(opened(f"http://{host}", "")), switches)
            for host, switches in zip(hosts, accounts, strict=True)
        ]
        yield Place(stack, api, there)


def _accounts(plan: Plan, hosts: Sequence[str], accounts: Sequence[Switches]) -> Program:
    file = plan.directory / f"{ACCOUNTS}.json"
    pairs = zip(hosts, accounts, strict=True)
    told = [{"port": int(host.rpartition(":")[2]), "switches": dict(switches)} for host, switches in pairs]
    file.write_bytes(orjson.dumps({"key": plan.secrets.sandbox_key, "accounts": told}))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = (sys.executable, "-m", "tests.bench.accounts", str(file))
    return Program(ACCOUNTS, command, environment, lambda: all(is_well(host, SANDBOX_PAGE) for host in hosts))
