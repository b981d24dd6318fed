"""A real Valkey for every test that touches the store."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from wire.store.redis import Store, connect, load_scripts

T = TypeVar("T")
Scenario = Callable[[Store], Coroutine[Any, Any, T]]


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
            store = Store(connect(redis_url), scripts=load_scripts(*SCRIPT_ROOMS))
            try:
                return await scenario(store)
            finally:
                await store.close()

        return asyncio.run(opened())

    return run
