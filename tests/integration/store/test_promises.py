"""A yes is on disk before it is said: every call that promises something, on a server whose syncs are watched or taken away."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet
from redis import Redis

from deploy.local.valkey import Valkey, free_port
from producer.app import SCRIPT_ROOMS
from tests.integration.api.test_api import CONNECTION, EVENT, EXPORT
from tests.integration.serving import Served, serving
from wire.store import redis as stores
from wire.store.redis import load_scripts, open_store

SNAPSHOT: Final = {"snapshot": "/snapshots/a.csv"}

Call = tuple[str, str, Any]


def with_api(server: Valkey, scenario: Callable[[Served], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario over the API on this server, opened as the producer opens it."""

    async def opened() -> None:
        store = await open_store(server.url(), load_scripts(*SCRIPT_ROOMS))
        try:
            async with serving(store) as api:
                await scenario(api)
        finally:
            await store.close()

    asyncio.run(opened())


async def promising(api: Served) -> list[Call]:
    """Every call that is answered with a promise, in an order in which each one can be kept."""
    run = next((found["id"] for found in (await api.ask("GET", "/v1/runs"))[1]["items"]), "none")
    return [
        ("POST", "/v1/connections", CONNECTION),
        ("PATCH", "/v1/connections/main", {"display_name": "Main"}),
        ("POST", "/v1/exports", EXPORT),
        ("PATCH", "/v1/exports/vips", {"budget_minutes": 60}),
        ("POST", "/v1/events", EVENT),
        ("POST", "/v1/events", EVENT),
        ("POST", f"/v1/runs/{run}/pause", {}),
        ("POST", f"/v1/runs/{run}/resume", {}),
        ("POST", f"/v1/runs/{run}/cancel", {}),
        ("POST", "/v1/exports/vips/runs", SNAPSHOT),
        ("DELETE", "/v1/exports/vips", None),
        ("DELETE", "/v1/connections/main", None),
    ]


def syncs(redis: Redis) -> int:
    """How often the server was asked to say that all is on disk."""
    return int(redis.info("commandstats").get("cmdstat_waitaof", {"calls": 0})["calls"])


def test_every_promise_is_waited_for_on_disk(server: Valkey) -> None:
    """One wait a promise, a repeated event's too: the first answer may not have been on disk yet."""

    async def scenario(api: Served) -> None:
        with Redis(port=server.port) as redis:
            for at in range(len(await promising(api))):
                method, path, body = (await promising(api))[at]
                before = syncs(redis)
                status, answer = await api.ask(method, path, body)
                assert status in {200, 201, 202}, (path, answer)
                assert syncs(redis) == before + 1, path

    with_api(server, scenario)


def test_nothing_is_promised_that_does_not_reach_the_disk(server: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that stops to sync is a 503 for each of them."""

    async def scenario(api: Served) -> None:
        with Redis(port=server.port) as redis:
            for at in range(len(await promising(api))):
                method, path, body = (await promising(api))[at]
                redis.config_set("appendfsync", "no")
                with monkeypatch.context() as patch:
                    patch.setattr(stores, "WAITAOF_TIMEOUT_MS", 30)
                    status, problem = await api.ask(method, path, body)
                assert (status, problem["title"]) == (503, "Service Unavailable"), path
                redis.config_set("appendfsync", "everysec")
                if method != "DELETE":
                    # What was not promised may stand all the same: said again, it is taken or there already.
                    assert (await api.ask(method, path, body))[0] in {200, 201, 202, 409}, path

    with_api(server, scenario)


def test_a_server_whose_log_is_taken_away_says_no_yes(tmp_path: Path) -> None:
    """It syncs with every write, and cannot write: nothing is answered, and nothing is there afterwards."""
    own = Valkey(tmp_path / "valkey", appendfsync="always")
    own.start()

    async def scenario(api: Served) -> None:
        assert (await api.ask("POST", "/v1/connections", CONNECTION))[0] == 201
        assert (await api.ask("POST", "/v1/exports", EXPORT))[0] == 201
        limit_files(own)
        status, problem = await api.ask("POST", "/v1/events", EVENT)
        assert (status, problem["title"]) == (503, "Service Unavailable")
        own.kill()
        own.start()
        assert (await api.ask("GET", "/v1/exports/vips"))[0] in {200, 503}  # the first call may find an old connection
        assert (await api.ask("GET", "/v1/exports/vips"))[0] == 200
        assert (await api.ask("GET", "/v1/runs"))[1]["items"] == []

    try:
        with_api(own, scenario)
    finally:
        own.stop()


def limit_files(server: Valkey) -> None:
    """Let the server's files grow no more."""
    resource = pytest.importorskip("resource")
    if not hasattr(resource, "prlimit"):
        pytest.skip("only Linux limits another process")
    size = max(file.stat().st_size for file in (server.directory / "appendonlydir").iterdir())
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("policy", "code", "told"),
    [("noeviction", None, "store_may_lose"), ("allkeys-lru", 2, "maxmemory-policy is allkeys-lru")],
)
def test_serve_says_at_its_start_what_the_server_risks(
    server: Valkey, policy: str, code: int | None, told: str
) -> None:
    """And does not start on one that would throw records away."""
    with Redis(port=server.port) as redis:
        redis.config_set("appendfsync", "no" if code is None else "everysec")
        redis.config_set("maxmemory-policy", policy)
    settings = {
        "REDIS_URL": server.url(),
        "LISTEN": f"127.0.0.1:{free_port()}",
        "SECRET_KEYS": Fernet.generate_key().decode(),
        "ADMIN_TOKEN": "a-token-for-the-administrator",
    }
    environment = os.environ | {f"SEGMENT_EXPORT_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "producer", "serve"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as producer:
        assert producer.stderr is not None
        assert told in producer.stderr.readline()
        if code is None:
            producer.terminate()
        else:
            assert producer.wait() == code
