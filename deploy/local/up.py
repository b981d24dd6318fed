"""The stack that stays: `make up` leaves it running, `make down` ends it, from another terminal or on another day.

Beside the sandbox the record begins anew each time, since the sandbox forgets everything when it ends. The record of a
real account is kept from one time to the next: it holds who is a member, and so what need not be sent again.
"""

import asyncio
import shutil
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

from deploy.local import processes
from deploy.local.processes import ProcessError
from deploy.local.stack import LOOPBACK, ROOT, Plan, Secrets, Stack, stop, write_private
from deploy.local.valkey import free_port
from producer.cli.sentences import sentences
from producer.client.errors import ApiError, RequestRefused
from producer.client.http import opened, route
from wire.process.settings import PREFIX
from wire.store import codec

HOME: Final = ROOT / ".local"
SANDBOX: Final = "sandbox"
PRODUCER_PORT: Final = 8080
"""Where the command line looks for the producer if nobody says otherwise; another one is taken if it is not free."""

PASSED_ON: Final = (
    *("AUDIT_DAYS", "BUDGET_MINUTES", "LOG_LEVEL", "REJECTS_RETENTION_DAYS"),
    *("RUNS_RETENTION_DAYS", "SNAPSHOT_ROOTS", "TRUSTED_PROXIES"),
)
PASSED_ON_TO_REAL: Final = (*PASSED_ON, "TRUSTED_HOSTS")
"""Settings of the person's own shell that reach the stack; the others it has its own values for."""

CONFLICT: Final = 409


@dataclass(frozen=True, slots=True)
class RealAccount:
    """An account whose owner agreed that contacts go there; `name` is what its connection is called."""

    name: str
    host: str
    api_key: str = field(repr=False)


def up(account: RealAccount | None, console: Console, environment: Mapping[str, str], home: Path) -> int:
    """Start a stack that outlives this command, for a real account or beside the sandbox, and say how to use it."""
    if there := _there(home):
        console.print("It is up already.", (there / "about.txt").read_text(), sep="\n")
        return 0
    directory = home / (account.host.replace(":", "-") if account else SANDBOX)
    if account is None:
        shutil.rmtree(directory, ignore_errors=True)
    stack = Stack(_plan(home, directory, account, environment))
    try:
        stack.start()
        account = account or RealAccount(SANDBOX, stack.sandbox, stack.plan.secrets.sandbox_key)
        asyncio.run(_connect(stack, account))
    except ProcessError as error:
        console.print(str(error))
        return 1
    except ApiError as error:
        stack.stop()
        console.print(*sentences(error), sep="\n")
        return 1
    about = _about(stack, account)
    (directory / "about.txt").write_text(about)
    console.print("It is up.", about, sep="\n")
    return 0


def down(console: Console, home: Path) -> int:
    """End whatever is up."""
    there = _there(home)
    if there is None:
        console.print("Nothing is up.")
        return 0
    console.print(f"Ended {', '.join(stop(there))}.")
    return 0


def _there(home: Path) -> Path | None:
    """Find the directory of the stack that is up; there is one at most."""
    return next((each for each in home.glob("*/") if processes.running(each)), None)


def _plan(home: Path, directory: Path, account: RealAccount | None, environment: Mapping[str, str]) -> Plan:
    snapshots = home / "snapshots"
    snapshots.mkdir(parents=True, exist_ok=True)
    names = PASSED_ON if account is None else PASSED_ON_TO_REAL
    return Plan(
        directory,
        snapshots=snapshots,
        secrets=_secrets(directory),
        sandbox=() if account is None else None,
        producer_port=_producer_port(),
        settings={name: environment[PREFIX + name] for name in names if PREFIX + name in environment},
    )


def _secrets(directory: Path) -> Secrets:
    """Read the secrets of a record that is kept, or make some; the token also in the forms that programs read."""
    file = directory / "secrets.json"
    found = Secrets(**codec.decode(file.read_bytes())) if file.exists() else Secrets()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(file, codec.text(asdict(found)))
    write_private(directory / "token", found.admin_token)
    write_private(directory / "authorization", f"Authorization: Bearer {found.admin_token}")
    return found


def _producer_port() -> int:
    try:
        with socket.create_server((LOOPBACK, PRODUCER_PORT)):
            return PRODUCER_PORT
    except OSError:
        return free_port()


async def _connect(stack: Stack, account: RealAccount) -> None:
    """Create the stack's connection, or give the one of a kept record the key that was handed in now."""
    body = {"name": account.name, "host": account.host, "api_key": account.api_key, "consent": True}
    async with opened(f"http://{stack.producer}", stack.plan.secrets.admin_token) as producer:
        try:
            await producer.ask("POST", route("connections"), body=body)
        except RequestRefused as error:
            if error.status != CONFLICT:
                raise
            await producer.ask("PATCH", route("connections", account.name), body={"api_key": account.api_key})


def _about(stack: Stack, account: RealAccount) -> str:
    directory, url = _from_here(stack.plan.directory), f"http://{stack.producer}"
    snapshots = stack.plan.settings.get("SNAPSHOT_ROOTS") or _from_here(stack.plan.snapshots)
    lines = [
        f"  producer    {url} (described at {url}/openapi.json)",
        f"  page        {url}/ in a browser; the token below opens it",
        f"  connection  {account.name}, to {account.host}",
        f"  snapshots   below {snapshots}",
        f"  token       in {directory}/token, and as a header for curl in {directory}/authorization",
        f"  logs        {directory}/*.log",
        "",
        f"  .venv/bin/segment-export connections list --url {url} --token-file {directory}/token",
        f"  curl --header @{directory}/authorization {url}/v1/runs",
        "",
        "End it with: make down",
    ]
    if stack.plan.sandbox is not None:
        lines.insert(3, f"  sandbox     http://{stack.sandbox}/sandbox/")
    return "\n".join(lines)


def _from_here(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
