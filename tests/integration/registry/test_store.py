"""Connections and exports are kept under one name each, and what hangs on them goes with them, on a real Valkey."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from producer.intake.cloudevents import SegmentRefreshed
from producer.intake.new_run import Retention
from producer.intake.open_runs import Intake
from producer.registry.model import Limits
from producer.registry.store import ChangedMeanwhile, NameTaken, Registry, RunsUnderWay, Unregistered
from producer.runs.store import RunStore
from tests.integration.serving import connection, export
from wire.chunk_queue.chunk import ChunkOutcome, NewChunk, StopReason
from wire.chunk_queue.chunk_store import ChunkStore
from wire.chunk_queue.run import RunState, state
from wire.store.keys import key
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]


async def _opened(store: Store, registry: Registry, events: str = "1") -> list[str]:
    intake = Intake(store, registry, snapshot_roots=[Path("/s")], retention=Retention())
    data = {"segment": "vip", "snapshot": "/s/vip.csv"}
    return list(
        (await intake.accept_event(SegmentRefreshed(events, "/cdp", "segment.refreshed", None, None, data))).runs
    )


async def _appended(run_store: RunStore, chunks: int) -> str:
    """Begin the one run that waits and bring it to where `chunks` chunks of four contacts are ready."""
    run = await run_store.begin("reader")
    assert run is not None
    figures = {"read": 4 * chunks, "selected": 4 * chunks}
    await run_store.surveyed(
        run.id, "reader", figures=figures, selection=b"", forecast={"requests": chunks}, rejects=[], pin="p"
    )
    for at in range(chunks):
        await run_store.append(run.id, "reader", [NewChunk(at + 1, b"[1,2,3,4]", range(4))], at=(at, at))
    return run.id


def test_what_is_saved_is_read_again(with_store: WithStore) -> None:
    """By name, by id and in the list; every change counts as a revision."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        assert await registry.revision() == "0"
        await registry.save_connection(connection("b"), secret=b"sealed")
        await registry.save_connection(connection("a"), secret=b"sealed")
        await registry.save_export(export("x", connection="id-a"))
        assert await registry.revision() == "3"
        assert await registry.connections() == [connection("a"), connection("b")]
        assert await registry.connection("b") == await registry.connection_by_id("id-b") == connection("b")
        assert await registry.export("x") == export("x", connection="id-a")
        assert await registry.secret("id-b") == b"sealed"
        assert b"sealed" not in (await store.hash(key("connection", "id-b")))["document"]
        with pytest.raises(Unregistered):
            await registry.connection("c")
        with pytest.raises(Unregistered):
            await registry.export("c")

    with_store(scenario)


def test_a_name_has_one_owner(with_store: WithStore) -> None:
    """New or renamed; a name given up is free again."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_connection(connection("other"), secret=b"s")
        await registry.save_export(export("x"))
        with pytest.raises(NameTaken):
            await registry.save_connection(connection("main", id="new"), secret=b"s")
        with pytest.raises(NameTaken):
            await registry.save_connection(connection("main", id="id-other"), secret=None, replaces=connection("other"))
        with pytest.raises(NameTaken):
            await registry.save_export(export("x", id="new"))
        await registry.save_connection(connection("renamed", id="id-main"), secret=None, replaces=connection("main"))
        await registry.save_connection(connection("main", id="new"), secret=b"s")
        assert {one.name: one.id for one in await registry.connections()} == {
            "main": "new",
            "other": "id-other",
            "renamed": "id-main",
        }
        assert await registry.secret("id-main") == b"s"

    with_store(scenario)


def test_nobody_overwrites_what_he_has_not_seen(with_store: WithStore) -> None:
    """Of two changes of the same thing the second is refused, and one of what is gone, too."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        first, saved = connection("main"), export("x")
        await registry.save_connection(first, secret=b"s")
        await registry.save_export(saved)
        await registry.save_connection(replace(first, display_name="one"), secret=None, replaces=first)
        await registry.save_export(replace(saved, segment="one"), replaces=saved)
        revision = await registry.revision()
        with pytest.raises(ChangedMeanwhile):
            await registry.save_connection(replace(first, display_name="two"), secret=b"t", replaces=first)
        with pytest.raises(ChangedMeanwhile):
            await registry.save_export(replace(saved, segment="two"), replaces=saved)
        assert (await registry.connection("main")).display_name == "one"
        assert (await registry.secret("id-main"), await registry.revision()) == (b"s", revision)
        await registry.delete_export("x")
        with pytest.raises(ChangedMeanwhile):
            await registry.save_export(saved, replaces=replace(saved, segment="one"))

    with_store(scenario)


def test_an_export_needs_a_connection_that_is_there(with_store: WithStore) -> None:
    """It may have been deleted since the export's writer looked."""

    async def scenario(store: Store) -> None:
        with pytest.raises(ChangedMeanwhile):
            await Registry(store).save_export(export("x"))
        assert await Registry(store).exports() == []

    with_store(scenario)


def test_an_accounts_limits_are_the_least_of_its_connections(with_store: WithStore) -> None:
    """Host in any letter case, with or without https's own port; they follow every change."""

    async def limits(store: Store, account: str) -> dict[str, float]:
        return {name: float(most) for name, most in (await store.hash(key("account", account))).items()}

    async def scenario(store: Store) -> None:
        registry, acme = Registry(store), "acme.api-us1.com"
        one = connection("one", limits=Limits(50, 20, 5))
        two = connection("two", host="ACME.api-us1.com:443", limits=Limits(100, 10, 2.5))
        await registry.save_connection(one, secret=b"s")
        await registry.save_connection(two, secret=b"s")
        expected = {"imports_per_minute": 50.0, "single_imports_per_minute": 10.0, "requests_per_second": 2.5}
        assert await limits(store, acme) == expected
        elsewhere = replace(two, host="other.api-us1.com")
        await registry.save_connection(elsewhere, secret=None, replaces=two)
        assert (await limits(store, acme))["requests_per_second"] == 5
        assert (await limits(store, "other.api-us1.com"))["requests_per_second"] == 2.5
        await registry.delete_connection("one")
        assert await limits(store, acme) == {}

    with_store(scenario)


def test_deleting_a_connection_detaches_its_exports_and_ends_its_runs(with_store: WithStore) -> None:
    """The one under way and the queued one; what was accepted is unconfirmed at once, the books close, the key is gone."""

    async def scenario(store: Store) -> None:
        registry, run_store = Registry(store), RunStore(store)
        chunk_store = ChunkStore(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_connection(connection("other"), secret=b"s")
        await registry.save_export(export("vips"))
        await registry.save_export(export("rest", connection="id-other", list_id="13"))
        opened = await _opened(store, registry)
        mine = next(run.id for run in await run_store.look(opened) if run.connection == "id-main")
        (others,) = set(opened) - {mine}
        await run_store.steer(others, "cancel")
        under_way = await _appended(run_store, 3)
        held = await chunk_store.take("acme.api-us1.com", "bell", "t")
        assert held is not None
        await chunk_store.settle(held, ChunkOutcome("accepted", count=4, batch="b", books={"accepted": 4}))
        (queued,) = set(await _opened(store, registry, "2")) - set(await registry.runs(most=9, export_id="id-rest"))

        gone = await registry.delete_connection("main")
        assert under_way == mine
        assert gone.detached == ("vips",)
        assert gone.ended_runs == tuple(sorted((under_way, queued)))
        first, second = await run_store.look([under_way, queued])
        assert (state(first), state(second)) == (RunState.CANCELLED, RunState.CANCELLED)
        assert (first.books.unconfirmed, first.books.unsent, first.unbalanced) == (4, 8, 0)
        assert first.books.close(over=True)
        detached = await registry.export("vips")
        assert detached == export("vips", connection=None)
        assert (await registry.export("rest")).connection == "id-other"
        assert await registry.connection_by_id("id-main") is None
        with pytest.raises(Unregistered):
            await registry.secret("id-main")
        with pytest.raises(Unregistered):
            await registry.delete_connection("main")

    with_store(scenario)


def test_a_run_that_was_ending_already_ends_with_its_connection(with_store: WithStore) -> None:
    """It waited for an answer, and nobody can ask for it without the key."""

    async def scenario(store: Store) -> None:
        registry, run_store = Registry(store), RunStore(store)
        chunk_store = ChunkStore(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_export(export("vips"))
        await _opened(store, registry)
        run = await _appended(run_store, 3)
        accepted = await chunk_store.take("acme.api-us1.com", "bell", "t")
        leased = await chunk_store.take("acme.api-us1.com", "bell", "u")
        assert accepted is not None
        assert leased is not None
        await chunk_store.settle(accepted, ChunkOutcome("accepted", count=4, batch="b", books={"accepted": 4}))
        assert await run_store.steer(run, "cancel") == "done"
        await registry.delete_connection("main")
        assert await chunk_store.settle(leased, ChunkOutcome("accepted", count=4, batch="c", books={"accepted": 4}))
        (ended,) = await run_store.look([run])
        assert ended.over
        assert (ended.books.unconfirmed, ended.books.unsent, ended.unbalanced) == (8, 4, 0)

    with_store(scenario)


def test_deleting_an_export_cancels_its_runs(with_store: WithStore) -> None:
    """What is not under way is unsent; another export's run goes on."""

    async def scenario(store: Store) -> None:
        registry, run_store = Registry(store), RunStore(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_export(export("vips"))
        await registry.save_export(export("rest", list_id="13"))
        opened = await _opened(store, registry)
        ended = await registry.delete_export("vips")
        states = {run.export_name: state(run) for run in await run_store.look(opened)}
        assert states == {"vips": RunState.CANCELLED, "rest": RunState.QUEUED}
        assert len(ended) == 1
        assert [one.name for one in await registry.exports()] == ["rest"]
        with pytest.raises(Unregistered):
            await registry.delete_export("vips")

    with_store(scenario)


def test_the_account_of_a_connection_stays_while_runs_are_under_way(with_store: WithStore) -> None:
    """Their chunks stand in the old account's lane; everything else may change."""

    async def scenario(store: Store) -> None:
        registry, run_store = Registry(store), RunStore(store)
        first = connection("main")
        await registry.save_connection(first, secret=b"s")
        await registry.save_export(export("vips"))
        (run,) = await _opened(store, registry)
        moved = replace(first, host="other.api-us1.com")
        with pytest.raises(RunsUnderWay):
            await registry.save_connection(moved, secret=None, replaces=first)
        named = replace(first, display_name="new")
        await registry.save_connection(named, secret=None, replaces=first)
        await run_store.steer(run, "cancel")
        await registry.save_connection(replace(moved, display_name="new"), secret=None, replaces=named)
        assert (await registry.connection("main")).host == "other.api-us1.com"

    with_store(scenario)


def test_a_mended_connection_is_probed_at_once(with_store: WithStore) -> None:
    """The block stays until a probe succeeds, but the probe need not wait."""

    async def scenario(store: Store) -> None:
        registry, run_store = Registry(store), RunStore(store)
        chunk_store = ChunkStore(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_export(export("vips"))
        await _opened(store, registry)
        run = await _appended(run_store, 2)
        held = await chunk_store.take("acme.api-us1.com", "bell", "t")
        assert held is not None
        stop = StopReason("connection", "credentials", "the key is refused")
        await chunk_store.settle(held, ChunkOutcome("ready", count=4, stop=stop))
        assert await chunk_store.take("acme.api-us1.com", "bell", "t") is None
        await registry.save_connection(connection("main"), secret=b"new", replaces=connection("main"))
        assert [state(found) for found in await run_store.look([run])] == [RunState.BLOCKED]
        probe = await chunk_store.take("acme.api-us1.com", "bell", "another token")
        assert probe is not None
        assert probe.secret == b"new"

    with_store(scenario)


def test_segments_are_those_heard_of_and_those_named(with_store: WithStore) -> None:
    """One that was never refreshed has no snapshot."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_export(export("waits", segment="never"))
        await _opened(store, registry)
        never, vip = await registry.segments()
        assert (never.name, never.snapshot, never.exports) == ("never", None, ("waits",))
        assert (vip.name, vip.snapshot, vip.exports) == ("vip", "/s/vip.csv", ())
        assert vip.refreshed is not None
        assert vip.accepted is not None

    with_store(scenario)


def test_runs_are_listed_newest_first_and_struck_off_with_their_record(with_store: WithStore) -> None:
    """In parts, and of one export."""

    async def scenario(store: Store) -> None:
        registry = Registry(store)
        await registry.save_connection(connection("main"), secret=b"s")
        await registry.save_export(export("vips"))
        await registry.save_export(export("rest", list_id="13"))
        for event in range(3):
            await _opened(store, registry, str(event))
        everything = await registry.runs(most=9)
        assert len(everything) == 6
        created = dict(await store.ranked(key("runs")))
        assert [created[run] for run in everything] == sorted(created.values(), reverse=True)
        assert await registry.runs(most=2) + await registry.runs(after=everything[1], most=9) == everything
        vips = await registry.runs(most=9, export_id="id-vips")
        assert len(vips) == 3
        await store._redis.delete(key("run", everything[0]))
        assert await registry.runs(most=9) == everything[1:]
        assert everything[0] not in dict(await store.ranked(key("runs")))
        assert await registry.runs(after=everything[0], most=9) == ()

    with_store(scenario)
