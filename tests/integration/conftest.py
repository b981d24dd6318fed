"""A real Valkey for every test that touches the store, and real servers for those of snapshots."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from tests.integration import homes
from tests.integration.homes import Home
from wire.store import Store, connect

T = TypeVar("T")
Scenario = Callable[[Store], Coroutine[Any, Any, T]]

_numbers = count()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server for the whole session; tests that kill theirs start their own."""
    server = Valkey(tmp_path_factory.mktemp("valkey"), appendfsync="no")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    """A server of the test's own, that it may break; it syncs once a second, as managed ones do."""
    own = Valkey(tmp_path / "valkey", appendfsync="everysec")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The URL of an empty store."""
    with Redis(port=valkey.port) as client:
        client.flushall()
    return valkey.url()


@pytest.fixture
def with_store(redis_url: str) -> Callable[[Scenario[T]], T]:
    """Run an async scenario over an empty store and close it."""

    def run(scenario: Scenario[T]) -> T:
        async def opened() -> T:
            store = Store(connect(redis_url))
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(opened())

    return run


class Servers:
    """Each server is started by the first test that wants it, and runs to the end of the module."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._told: dict[str, Any] = {}

    def told(self, kind: str) -> Any:
        """Return where a server is."""
        if kind not in self._told:
            start = {"s3": homes.moto, "azure": homes.azurite, "google": homes.google}
            running = homes.postgresql() if kind == "postgresql" else start[kind](self._directory)
            self._told[kind] = self._stack.enter_context(running)
        return self._told[kind]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers of this module."""
    with ExitStack() as stack:
        yield Servers(tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture
def make_home(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Home]]:
    """Make a home of a kind, with credentials where that kind's own chain looks for them."""
    webs: list[homes.WebHome] = []

    def make(kind: str) -> Home:
        number = next(_numbers)
        match kind:
            case "s3":
                told = servers.told("s3")
                for name, value in {
                    "AWS_ENDPOINT_URL": told,
                    "AWS_ACCESS_KEY_ID": "id",
                    "AWS_SECRET_ACCESS_KEY": "secret",
                    "AWS_REGION": "us-east-1",
                }.items():
                    monkeypatch.setenv(name, value)
                return homes.S3Home(f"bucket-{number}", homes.s3_client(told))
            case "azure":
                told = servers.told("azure")
                monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told)
                return homes.AzureHome(f"container-{number}", homes.azure_client(told))
            case "google":
                monkeypatch.setenv("STORAGE_EMULATOR_HOST", servers.told("google"))
                return homes.GoogleHome(f"bucket-{number}", homes.google_client())
            case "web" | "plain web":
                webs.append(homes.web_home(tmp_path / "web", ranges=kind == "web"))
                return webs[-1]
            case _:
                return homes.LocalHome(tmp_path / "local")

    yield make
    for web in webs:
        web.close()
