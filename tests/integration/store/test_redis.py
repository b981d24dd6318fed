"""The door to Redis, against a real server that is slow to disk, full, read-only, restarted or gone."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.app import SCRIPT_ROOMS
from producer.monitoring.queue_figures import StoreMemory
from producer.monitoring.queue_stats import QueueStatsStore
from wire.store.keys import TEMPLATES, key, lua_names
from wire.store.redis import Store, connect, load_scripts, open_store
from wire.store.results import Unreachable, Unwritable

T = TypeVar("T")

ONLY_READ_OR_MAY_WAIT = {
    *("bury_event", "count_events", "list_runs", "read_runs", "read_token"),
    *("claim_identity", "keep_identity", "key_of_accounts"),
}
"""A dead event stays in the stream until there is room for it among the dead; an account's identity is looked at later."""


def with_opened(server: Valkey, scenario: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario over a store that was opened as the producer opens it."""

    async def opened() -> T:
        store = await open_store(server.url(), load_scripts(*SCRIPT_ROOMS))
        try:
            return await scenario(store)
        finally:
            await store.close()

    return asyncio.run(opened())


async def save(store: Store) -> Any:
    """Write something that is promised."""
    return await store.keep("refresh", "digest", "same", 1000, "segment", "/s", "", "id", "0", "no export", "")


def test_a_promise_under_everysec_waits_for_the_disk(server: Valkey) -> None:
    """WAITAOF is asked once, after the write; what promises nothing does not wait."""

    async def scenario(store: Store) -> None:
        assert store.durability.waits
        await store.run("begin", "token", 1000)
        with Redis(port=server.port) as redis:
            assert "cmdstat_waitaof" not in redis.info("commandstats")
            await save(store)
            assert redis.info("commandstats")["cmdstat_waitaof"]["calls"] == 1

    with_opened(server, scenario)


def test_what_was_promised_is_there_after_a_power_cut(server: Valkey) -> None:
    """SIGKILL right after the yes."""
    answer = with_opened(server, save)
    server.kill()
    server.start()
    assert with_opened(server, save) == answer
    with Redis(port=server.port) as redis:
        assert redis.exists(key("event", "digest"))


def test_a_store_that_always_syncs_promises_without_waiting(tmp_path: Path) -> None:
    """The embedded server's setting."""
    own = Valkey(tmp_path / "always", appendfsync="always")
    own.start()
    try:
        assert not with_opened(own, _waits)
    finally:
        own.stop()


async def _waits(store: Store) -> bool:
    return store.durability.waits


def test_a_store_without_a_log_says_what_it_risks(server: Valkey) -> None:
    """`serve` logs it at start."""

    async def scenario(store: Store) -> str | None:
        return store.durability.risk

    assert with_opened(server, scenario) is None
    with Redis(port=server.port) as redis:
        redis.config_set("appendonly", "no")
    assert "appendonly is off" in (with_opened(server, scenario) or "")


def test_a_full_or_read_only_store_writes_nothing_and_says_so(server: Valkey) -> None:
    """Both are refusals, not unknown outcomes."""

    async def scenario(store: Store) -> None:
        with Redis(port=server.port) as redis:
            redis.config_set("maxmemory", "1mb")
            with pytest.raises(Unwritable, match=r"OOM|OutOfMemory"):
                await save(store)
            redis.config_set("maxmemory", "0")
            redis.config_set("min-replicas-to-write", 1)
            with pytest.raises(Unwritable, match="NOREPLICAS"):
                await save(store)
            redis.config_set("min-replicas-to-write", 0)
            redis.config_set("replica-serve-stale-data", "yes")
            redis.execute_command("REPLICAOF", "127.0.0.1", "1")
            with pytest.raises(Unwritable):
                await save(store)
            redis.execute_command("REPLICAOF", "NO", "ONE")
            assert not redis.exists(key("event", "digest"))
            await save(store)

    with_opened(server, scenario)


def test_above_85_percent_of_its_memory_a_store_takes_nothing_in_and_lets_work_end(server: Valkey) -> None:
    """And where it is full altogether, what finishes work may write all the same."""

    async def scenario(store: Store) -> None:
        with Redis(port=server.port) as redis:
            await save(store)
            used = redis.info("memory")["used_memory"]
            redis.config_set("maxmemory", round(used / 0.5))
            await store.keep("refresh", "at half", "same", 1000, "segment", "/s", "", "id", "0", "no export", "")
            redis.config_set("maxmemory", round(used / 0.9))
            with pytest.raises(Unwritable):
                await store.keep("refresh", "other", "same", 1000, "segment", "/s", "", "id", "0", "no export", "")
            assert await store.keep("refresh", "digest", "same", 1000, "segment", "/s", "", "id", "0", "no export", "")
            redis.config_set("maxmemory", "1mb")
            await store.run("report_throttle", "account", "import", "", 0)
            assert redis.exists(key("pace", "account"))

    with_opened(server, scenario)


@pytest.mark.parametrize("script", sorted(load_scripts(*SCRIPT_ROOMS)))
def test_what_takes_work_in_looks_at_the_memory_and_everything_else_may_end(script: str) -> None:
    """No script is forgotten: it either refuses early, or may write over the limit, or writes nothing that needs memory."""
    body = load_scripts(*SCRIPT_ROOMS)[script]
    takes_in, finishes = "is_filling() then" in body, "-- flags: allow-oom" in body
    assert takes_in + finishes == (0 if script in ONLY_READ_OR_MAY_WAIT else 1)


def test_a_store_that_is_gone_is_unreachable_and_answers_again_when_it_is_back(server: Valkey) -> None:
    """Scripts are unknown to a restarted server and are loaded again by themselves."""

    async def scenario(store: Store) -> None:
        await save(store)
        server.kill()
        with pytest.raises(Unreachable):
            await save(store)
        server.start()
        await store.ping()
        assert await store.run("acquire", "account", "import")

    with_opened(server, scenario)


def test_connections_that_died_with_the_server_are_replaced_before_anything_is_written(server: Valkey) -> None:
    """All of a pool, at once, and the first time: what cannot have reached the server is not a failure."""

    async def scenario(store: Store) -> None:
        await together(store)
        server.kill()
        server.start()
        await together(store)

    async def together(store: Store) -> None:
        await asyncio.gather(*(store.run("read_runs", f"run {number}") for number in range(20)))

    with_opened(server, scenario)


def test_a_connection_is_known_to_be_closed_before_the_event_loop_has_heard_of_it(server: Valkey) -> None:
    """The operating system is asked: between the end of a server and a call there may be no turn of the loop."""

    async def scenario(store: Store) -> None:
        await store.ping()
        server.kill()
        server.start()
        # No await that waits stands between these and the call.
        assert await store.run("read_runs", "run")

    with_opened(server, scenario)


def test_a_command_that_may_have_been_carried_out_is_not_made_again(server: Valkey) -> None:
    """Its connection breaks while it is under way: the caller is told, and asks the record."""

    async def scenario(store: Store) -> None:
        await store.ping()
        with Redis(port=server.port) as redis:
            redis.client_pause(10_000, all=True)
        asked = asyncio.create_task(save(store))
        await asyncio.sleep(0.2)  # until it is written; nothing can be seen of it from outside
        assert not asked.done()
        server.kill()
        with pytest.raises(Unreachable):
            await asked

    with_opened(server, scenario)


def test_every_script_loads_and_names_only_libraries_that_exist(redis_url: str) -> None:
    """The server compiles each of them with the prelude."""

    async def scenario() -> None:
        client = connect(redis_url)
        try:
            for body in load_scripts(*SCRIPT_ROOMS).values():
                await client.script_load(lua_names() + body)
        finally:
            await client.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_python_and_lua_spell_every_key_the_same(valkey: Valkey, name: str) -> None:
    """One template, two languages."""
    parts = ["one", "two", "three", "four"][: TEMPLATES[name].count("{}")]
    arguments = ", ".join(f"'{part}'" for part in parts)
    with Redis(port=valkey.port) as redis:
        spelt = redis.eval(f"{lua_names()} return K.{name}({arguments})", 0)
    assert spelt == key(name, *parts).encode()


def test_a_service_that_hides_its_settings_is_believed_to_persist_every_second(server: Valkey) -> None:
    """Managed services take CONFIG and INFO away; the waiting for the disk must not go with them."""
    with Redis(port=server.port) as client:
        client.execute_command("ACL", "SETUSER", "managed", "on", "nopass", "~*", "&*", "+@all", "-config", "-info")

    async def scenario() -> None:
        store = await open_store(f"redis://managed:any@127.0.0.1:{server.port}/0", load_scripts(*SCRIPT_ROOMS))
        try:
            assert (store.durability.waits, store.durability.risk) == (True, None)
            assert await QueueStatsStore(store).memory() == StoreMemory(0, 0)
        finally:
            await store.close()

    asyncio.run(scenario())
