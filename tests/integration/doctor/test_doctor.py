"""The doctor over a real store: what is well, what is not, and what cannot be looked at because something else is not there."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from pydantic import SecretStr

from deploy.local.valkey import Valkey, free_port
from producer.cli.root import cli
from producer.doctor import Diagnosis, DiagnosisHealth, Doctor
from producer.registry.store import Registry
from producer.settings import Settings, read_settings
from producer.snapshots import Preview, preview_snapshot
from tests.integration.serving import API_KEY, FakeChecks, connection, export
from tests.integration.simulated_producer import TOKEN, SimulatedProducer, simulated_producer
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.wakeup_queue import WakeupQueue, make_broker
from wire.chunk_queue.wakeups import Wakeups
from wire.store.redis import Store, connect
from wire.vault import Vault

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def _settings(redis_url: str, roots: str, **changes: str) -> Settings:
    said = {"REDIS_URL": redis_url, "SECRET_KEYS": NEW, "ADMIN_TOKEN": "x" * 32, "SNAPSHOT_ROOTS": roots} | changes
    return read_settings({f"SEGMENT_EXPORT_{name}": value for name, value in said.items()})


async def _examined(settings: Settings, store: Store, checks: FakeChecks) -> dict[tuple[str, str], Diagnosis]:
    async def look(uri: str) -> Preview:
        return await asyncio.to_thread(preview_snapshot, uri, settings.snapshot_roots)

    queue_store = Store(connect(settings.queue_url))
    queue = WakeupQueue(make_broker(settings.queue_url), queue_store)
    try:
        wakeups = Wakeups(store, queue)
        doctor = Doctor(settings, store=store, queue=queue_store, wakeups=wakeups, checks=checks, preview=look)
        return {(one.area, one.name): one for one in await doctor.examine()}
    finally:
        await queue.close()


def test_everything_that_is_well_is_told_too(redis_url: str, with_store: WithStore, tmp_path: Path) -> None:
    """So that nobody wonders whether it was looked at."""
    file = tmp_path / "vip.csv"
    file.write_text("Email\na@example.org\n")

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        sealed = Vault([SecretStr(NEW)]).seal("id-main", SecretStr(API_KEY))
        await registry.save_connection(connection("main"), secret=sealed)
        await registry.save_export(export("vips"))
        await store.run("refresh", "d", "f", 1000, "vip", str(file), "", "e", await registry.revision(), "none", "")
        await ChunkStore(store).renew("process", 8, [])
        found = await _examined(_settings(redis_url, str(tmp_path)), store, FakeChecks())
        amiss = {place: one for place, one in found.items() if one.health is not DiagnosisHealth.OK}
        assert set(amiss) == {("store", "persistence")}  # this server of tests syncs nothing, and is told off for it
        assert found["account", "main"].says == "acme.api-us1.com: the key is good, and an administrator's"
        assert found["list", "vips"].says == "list 12 is there"
        assert found["snapshots", "vips"].says == f"{file}: 1 file(s), 1 columns"
        assert found["snapshots", str(tmp_path)].says == "can be read"
        assert found["workers", "alive"].says == "1 with 8 threads"
        assert {("queue", "version"), ("queue", "length"), ("clock", "skew"), ("settings", "all")} <= set(found)

    with_store(scenario)


def test_whatever_is_amiss_says_what_to_mend(redis_url: str, with_store: WithStore, tmp_path: Path) -> None:
    """Each by its name: keys, lists, snapshots, roots, tokens, workers."""

    async def scenario(store: Store) -> None:
        registry, vault = Registry(store), Vault([SecretStr(OLD)])
        for name in ("lost", "old", "refused"):
            key = "another" if name == "refused" else API_KEY
            made = connection(name, host=f"{name}.api-us1.com")
            await registry.save_connection(made, secret=vault.seal(made.id, SecretStr(key)))
        stranger = Vault([SecretStr(Fernet.generate_key().decode())])
        await registry.save_connection(
            connection("lost", host="lost.api-us1.com", display_name="x"),
            secret=stranger.seal("id-lost", SecretStr(API_KEY)),
            replaces=connection("lost", host="lost.api-us1.com"),
        )
        await registry.save_export(export("no-list", connection="id-old", list_id="99"))
        await registry.save_export(export("no-snapshot", connection="id-old", segment="gone"))
        await registry.save_export(export("parted", connection=None))
        gone = ("gone", str(tmp_path / "gone.csv"))
        await store.run("refresh", "d", "f", 1000, *gone, "", "e", await registry.revision(), "none", "")
        roots = f"{tmp_path},{tmp_path / 'nowhere'}"
        settings = _settings(redis_url, roots, SECRET_KEYS=f"{NEW},{OLD}", ADMIN_TOKEN="short")
        found = await _examined(settings, store, FakeChecks())
        health = {place: one.health for place, one in found.items() if one.health is not DiagnosisHealth.OK}
        assert health == {
            ("settings", "ADMIN_TOKEN"): DiagnosisHealth.WARNING,
            ("settings", "SECRET_KEYS"): DiagnosisHealth.WARNING,
            ("snapshots", str(tmp_path / "nowhere")): DiagnosisHealth.WRONG,
            ("store", "persistence"): DiagnosisHealth.WARNING,
            ("workers", "alive"): DiagnosisHealth.WRONG,
            ("account", "lost"): DiagnosisHealth.WRONG,
            ("account", "old"): DiagnosisHealth.WARNING,
            ("account", "refused"): DiagnosisHealth.WRONG,
            ("list", "no-list"): DiagnosisHealth.WRONG,
            ("list", "parted"): DiagnosisHealth.WARNING,
            ("snapshots", "no-list"): DiagnosisHealth.WARNING,
            ("snapshots", "no-snapshot"): DiagnosisHealth.WRONG,
            ("snapshots", "parted"): DiagnosisHealth.WARNING,
        }
        assert all(one.mend for place, one in found.items() if place in health)
        assert "secrets rotate" in (found["account", "old"].mend or "")
        assert API_KEY not in str(found)

    with_store(scenario)


def test_an_account_that_is_busy_is_no_fault_of_its_key(redis_url: str, with_store: WithStore, tmp_path: Path) -> None:
    """A large run may have it."""

    async def scenario(store: Store) -> None:
        sealed = Vault([SecretStr(NEW)]).seal("id-main", SecretStr(API_KEY))
        await Registry(store).save_connection(connection("main"), secret=sealed)
        await Registry(store).save_export(export("vips"))
        found = await _examined(_settings(redis_url, str(tmp_path)), store, FakeChecks(busy=True))
        assert (found["account", "main"].health, found["list", "vips"].health) == (
            DiagnosisHealth.WARNING,
            DiagnosisHealth.WARNING,
        )

    with_store(scenario)


def test_without_the_store_the_rest_is_told_and_what_was_not_looked_at(tmp_path: Path) -> None:
    """The queue is on another server, which is there or not by itself."""

    async def scenario() -> None:
        nowhere = f"redis://127.0.0.1:{free_port()}/0"
        store = Store(connect(nowhere))
        found = await _examined(_settings(nowhere, str(tmp_path)), store, FakeChecks())
        assert found["store", "reachable"].health is DiagnosisHealth.WRONG
        assert found["queue", "reachable"].health is DiagnosisHealth.WRONG
        assert found["settings", "all"].health is DiagnosisHealth.OK
        await store.close()

    asyncio.run(scenario())


def _doctor(redis_url: str, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    said = {"REDIS_URL": redis_url, "SECRET_KEYS": NEW, "ADMIN_TOKEN": "x" * 32} | settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENT_EXPORT_")}
    environment |= {f"SEGMENT_EXPORT_{name}": value for name, value in said.items()}
    command = [sys.executable, "-m", "producer", "doctor", "--local", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_server_that_does_not_start_is_examined_from_its_own_shell(server: Valkey) -> None:
    """With the settings that it would read: nothing else is needed, no token and no API."""
    looked = _doctor(server.url(), "-o", "json")
    document = json.loads(looked.stdout)
    wrong = {(one["area"], one["name"]) for one in document["items"] if one["health"] == "wrong"}
    assert (looked.returncode, document["health"], wrong) == (1, "wrong", {("workers", "alive")})
    people = _doctor(server.url())
    assert "python -m worker" in people.stdout
    assert people.stdout.strip().endswith("1 wrong.")
    assert people.stderr == ""


def test_settings_that_cannot_be_read_are_all_told(redis_url: str) -> None:
    """As `serve` would, and with the same words."""
    looked = _doctor(redis_url, "--json", LISTEN="8080", SECRET_KEYS="short", BUDGET_MINUTES="0")
    document = json.loads(looked.stdout)
    assert looked.returncode == 1
    assert {one["name"] for one in document["items"]} == {"LISTEN", "SECRET_KEYS", "BUDGET_MINUTES"}


@pytest.fixture
def asked() -> Any:
    """Call `segment-export doctor` of a double of the producer."""
    with simulated_producer() as double:

        def call(*words: str, token: str = TOKEN) -> Result:
            environment = {"SEGMENT_EXPORT_URL": double.url, "SEGMENT_EXPORT_TOKEN": token}
            return CliRunner().invoke(cli, ["doctor", *words], env=environment)

        yield double, call


def _document(health: str) -> dict[str, Any]:
    item = {"area": "store", "name": "eviction", "health": health, "says": "allkeys-lru", "mend": "set noeviction"}
    return {"health": health, "items": [item]}


@pytest.mark.parametrize(("health", "code"), [("ok", 0), ("warning", 0), ("wrong", 1)])
def test_the_exit_code_says_whether_something_is_wrong(
    asked: tuple[SimulatedProducer, Callable[..., Result]], health: str, code: int
) -> None:
    """A warning is for people; a script goes on."""
    double, call = asked
    double.answer("POST /v1/doctor", _document(health))
    people, programs = call(), call("--json")
    assert (people.exit_code, programs.exit_code) == (code, code)
    assert "set noeviction" in people.stdout
    assert json.loads(programs.stdout)["health"] == health
    assert [one["area"] for one in json.loads(programs.stdout)["items"]] == ["api", "store"]


def test_an_api_that_does_not_answer_or_does_not_know_the_token_is_a_finding(
    asked: tuple[SimulatedProducer, Callable[..., Result]],
) -> None:
    """With where to look on."""
    double, call = asked
    unknown = call("--json", token="unknown")
    assert (unknown.exit_code, json.loads(unknown.stdout)["items"][0]["name"]) == (1, "token")
    double.hang_up("POST /v1/doctor")
    away = call()
    assert (away.exit_code, "doctor --local" in away.stdout) == (1, True)
