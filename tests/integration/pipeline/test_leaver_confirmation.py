"""An export that unsubscribes leavers does so when two snapshots agree or a person accepts it, and to exactly these people."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.intake.new_run import Order
from producer.people.absence import HANDFUL
from producer.pipeline import enqueue, runner
from tests.integration.histories import ACCOUNT, File, World
from wire.chunk_queue.chunk import NewChunk
from wire.chunk_queue.run import Mode, Run, RunState, Trigger, state
from wire.store import codec
from wire.store.keys import key

Play = Callable[[Callable[[World], Awaitable[None]]], None]


@pytest.fixture
def play(valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Play a scenario with an empty list."""
    monkeypatch.setattr(enqueue, "LOOK_AGAIN_SECONDS", 0)
    monkeypatch.setattr(runner, "AGAIN_SECONDS", 0)

    def begin(scenario: Callable[[World], Awaitable[None]]) -> None:
        async def played(redis: Redis) -> None:
            await scenario(World(redis, tmp_path))

        with Redis(port=valkey.port) as redis:
            asyncio.run(played(redis))

    return begin


async def survey(world: World, rows: Iterable[int], mistyped: Iterable[int] = (), *, dry_run: bool = False) -> Run:
    """Refresh with these people, and read the run as far as it goes by itself."""
    return await again(world, world._write(list(rows), frozenset(mistyped)), dry_run=dry_run)


async def again(world: World, file: File, *, dry_run: bool = False, mode: Mode = Mode.CHANGES) -> Run:
    """Read a run over a snapshot that there is."""
    run = await world._open(Order(str(file.path), Trigger.DEMAND, mode, dry_run=dry_run))
    await world._read(run, file, is_counted=False)
    return await world._look(run)


async def refresh(world: World, rows: Iterable[int], mistyped: Iterable[int] = ()) -> Run:
    """Refresh, and let a worker do what may be done."""
    return await work(world, await survey(world, rows, mistyped))


async def work(world: World, run: Run) -> Run:
    await world._work(run)
    return await world._look(run.id)


def books(run: Run) -> tuple[int, int, int]:
    """Who was unsubscribed, who waits, and who is kept."""
    assert run.unbalanced == 0
    return run.leavers.applied, run.leavers_waiting, run.kept


def test_a_leaver_goes_when_the_next_refresh_agrees_and_a_returner_is_none(play: Play) -> None:
    """They are counted meanwhile, by dry runs as well, which are no second opinion."""

    async def scenario(world: World) -> None:
        await refresh(world, range(50))
        assert books(await refresh(world, range(48))) == (0, 2, 0)
        dry = await survey(world, range(48), dry_run=True)
        assert dry.forecast is not None
        assert (dry.leaving, dry.leavers.unsent, dry.forecast["leavers_waiting"]) == (2, 2, 0)
        assert books(await refresh(world, [*range(45), 49])) == (1, 3, 0)
        assert world.unsubscribed == {48}
        assert books(await refresh(world, range(46))) == (2, 1, 0)
        assert world.unsubscribed == {46, 47, 48}
        assert books(await refresh(world, [*range(46), 49])) == (0, 0, 0)
        assert world.subscribed == {*range(46), 49}

    play(scenario)


@pytest.mark.parametrize(
    "spec", [{"leavers": "unsubscribe"}, {"leavers": "unsubscribe", "leavers_confirm": "next_refresh"}]
)
def test_a_run_of_an_earlier_version_and_a_membership_of_it_wait_as_well(play: Play, spec: dict[str, str]) -> None:
    """What they lack stands for what is safe."""

    async def scenario(world: World) -> None:
        await refresh(world, range(20))
        world.redis.delete(key("absent", "id-vips", ACCOUNT, "12"))
        run = await world._open(Order(str(world._write(range(15)).path), Trigger.DEMAND))
        kept = codec.decode(world.redis.hget(key("run", run), "spec") or b"")
        bare = {name: value for name, value in kept.items() if not name.startswith("leavers")} | spec
        world.redis.hset(key("run", run), "spec", codec.text(bare))
        await world._read(run, world.files[-1], is_counted=False)
        assert books(await work(world, await world._look(run))) == (0, 5, 0)
        assert books(await refresh(world, range(15))) == (5, 0, 0)

    play(scenario)


def test_addresses_that_became_unreadable_unsubscribe_nobody_however_often(play: Play) -> None:
    """400 of 400, and a few of many; and the run says why."""

    async def scenario(world: World) -> None:
        await refresh(world, range(400))
        for mistyped in (range(400), range(400), range(HANDFUL + 1), range(HANDFUL + 1), range(HANDFUL + 1)):
            run = await refresh(world, range(400), mistyped)
            assert books(run) == (0, len(mistyped), 0)
            assert run.forecast is not None
            (warning,) = run.forecast["warnings"]
            assert warning.startswith(f"{len(mistyped)} rows have no readable address")
        assert world.subscribed == set(range(400))

    play(scenario)


def test_rows_that_lost_their_address_count_like_those_that_have_a_wrong_one(play: Play) -> None:
    """Empty, or the same text in all of them."""

    async def scenario(world: World) -> None:
        await refresh(world, range(30))
        for text in ("", "N/A", "#REF!"):
            for _ in range(3):
                file = world._write(range(20))
                with file.path.open("a") as lines:
                    lines.writelines(f"{text},N{number},\n" for number in range(10))
                run = await work(world, await again(world, file))
                assert books(run) == (0, 10, 0)
        assert world.unsubscribed == set()

    play(scenario)


@pytest.mark.parametrize("damage", ["mistyped", "empty", "duplicate", "too_large"])
def test_an_id_in_the_snapshot_is_no_leavers_whatever_became_of_its_row(play: Play, damage: str) -> None:
    """Two refreshes, or twenty."""

    async def scenario(world: World) -> None:
        world.by_id = True
        await refresh(world, range(20))
        address = {"mistyped": "P 3 <p3@x.org>", "empty": "", "duplicate": "p4@example.org", "too_large": "new@x.org"}
        name = "N" * 400_000 if damage == "too_large" else "N"
        for _ in range(3):
            file = world._write([number for number in range(20) if number != 3])
            with file.path.open("a") as lines:
                lines.write(f"{address[damage]},{name},3\n")
            assert books(await work(world, await again(world, file))) == (0, 0, 0)
        assert world.unsubscribed == set()
        assert books(await refresh(world, [*range(3), *range(4, 20)])) == (0, 1, 0)
        assert books(await refresh(world, [*range(3), *range(4, 20)])) == (1, 0, 0)

    play(scenario)


def test_many_at_once_stop_the_run_and_accepted_are_exactly_these(play: Play) -> None:
    """Whoever is gone by the next run is another matter."""

    async def scenario(world: World) -> None:
        await refresh(world, range(400))
        assert books(await refresh(world, range(20))) == (0, 380, 0)
        stopped = await survey(world, range(20))
        assert stopped.block is not None
        assert (state(stopped), stopped.block.code, stopped.block.by_hand) == (RunState.BLOCKED, "leavers_guard", True)
        assert stopped.block.reason.startswith(
            "380 of 400 members would be unsubscribed for good, among them p***@e***.org"
        )
        await world.run_store.steer(stopped.id, "resume")
        assert books(await work(world, stopped)) == (0, 0, 0)
        await world.run_store.steer(stopped.id, "cancel")
        assert world.unsubscribed == set()
        asked = await survey(world, range(20))
        await world.run_store.steer(asked.id, "resume", accept=True)
        assert books(await work(world, asked)) == (380, 0, 0)
        assert not (await world._look(asked.id)).trusted, "that is not yet to believe refusals"
        assert books(await refresh(world, range(10))) == (0, 10, 0)
        later = await survey(world, range(10))
        assert later.block is not None
        assert later.block.code == "leavers_guard"

    play(scenario)


def test_by_hand_every_run_asks_and_goes_on_without_those_who_are_not_accepted(play: Play) -> None:
    """Everybody else is sent; those who wait are proposed again."""

    async def scenario(world: World) -> None:
        world.options = {"leavers_confirm": "by_hand"}
        await refresh(world, range(20))
        run = await survey(world, [*range(17), 30])
        assert run.block is not None
        assert (run.block.code, run.leaving) == ("leavers_by_hand", 3)
        await world.run_store.steer(run.id, "resume")
        run = await work(world, run)
        assert (books(run), run.books.applied, state(run)) == ((0, 3, 0), 1, RunState.SUCCEEDED)
        nothing_else = await survey(world, [*range(17), 30])
        await world.run_store.steer(nothing_else.id, "resume")
        nothing_else = await world._look(nothing_else.id)
        assert (books(nothing_else), nothing_else.over) == ((0, 3, 0), True)
        run = await survey(world, [*range(18), 30])
        await world.run_store.steer(run.id, "resume", accept=True)
        assert books(await work(world, run)) == (2, 0, 0)
        assert world.unsubscribed == {18, 19}

    play(scenario)


def test_leavers_who_were_declined_are_not_appended_by_a_reader_that_is_late(play: Play) -> None:
    """Its run goes on to its end all the same."""

    async def scenario(world: World) -> None:
        world.options = {"leavers_confirm": "by_hand"}
        await refresh(world, range(20))
        run = await survey(world, range(18))
        await world.run_store.steer(run.id, "pause")
        fields: dict[Any, Any] = {"reader": "late", "sequence": 0, "cursor": 0, "leaving_packed": 0}
        world.redis.hset(key("run", run.id), mapping=fields)
        world.redis.hdel(key("run", run.id), "reading_ended")
        await world.run_store.steer(run.id, "resume")
        offer = NewChunk(9, b'{"contacts":[]}', (8, 9), bytes(16))
        told = await world.run_store.append(run.id, "late", [offer], at=(0, 0), kind="leaving")
        assert (told.reading, told.ready_chunks) == ("ok", 0)
        assert await world.run_store.end_reading(run.id, "late", at=(1, 9)) == "ok"
        assert books(await world._look(run.id)) == (0, 2, 0)

    play(scenario)


def test_at_once_is_at_once_but_for_those_who_cannot_be_identified(play: Play) -> None:
    """And the guard is on."""

    async def scenario(world: World) -> None:
        world.options = {"leavers_confirm": "at_once"}
        await refresh(world, range(40))
        assert books(await refresh(world, range(35))) == (5, 0, 0)
        assert books(await refresh(world, range(35), range(8))) == (0, 8, 0)
        assert books(await refresh(world, range(34), range(8))) == (1, 8, 0)
        stopped = await survey(world, range(10))
        assert stopped.block is not None
        assert (stopped.block.code, stopped.leaving) == ("leavers_guard", 24)

    play(scenario)


def test_the_guard_may_be_off(play: Play) -> None:
    """As the export says."""

    async def scenario(world: World) -> None:
        world.options = {"leavers_guard": None}
        await refresh(world, range(40))
        assert books(await refresh(world, range(5))) == (0, 35, 0)
        assert books(await refresh(world, range(5))) == (35, 0, 0)

    play(scenario)


def test_what_is_noted_of_absent_members_goes_with_the_membership_and_with_the_mode(play: Play) -> None:
    """8 bytes each, and none for an export that unsubscribes nobody."""

    async def scenario(world: World) -> None:
        noted = key("absent", "id-vips", ACCOUNT, "12")
        await refresh(world, range(20))
        await refresh(world, range(15))
        assert len(world.redis.hget(noted, "once") or b"") == 5 * 8
        world.redis.hset(key("exports"), "vips", "id-vips")
        world.redis.hset(key("export", "id-vips"), "document", "{}")
        await world.store.run("delete_export", "vips")
        assert world.redis.exists(noted) == 0

    play(scenario)


def test_a_full_run_is_an_opinion_like_any_other(play: Play) -> None:
    """It sends everybody again and unsubscribes whom two snapshots lack."""

    async def scenario(world: World) -> None:
        await refresh(world, range(20))
        await refresh(world, range(15))
        full = await again(world, world.files[-1], mode=Mode.FULL)
        assert books(await work(world, full)) == (0, 5, 0)
        full = await again(world, world._write(range(15)), mode=Mode.FULL)
        assert books(await work(world, full)) == (5, 0, 0)

    play(scenario)
