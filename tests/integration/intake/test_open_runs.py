"""One event opens one run an export, once; a demand opens one run; both on a real Valkey."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from producer.intake.cloudevents import SegmentRefreshed
from producer.intake.new_run import Retention
from producer.intake.open_runs import AcceptedEvent, Conflicting, Contended, Demand, Detached, Intake, Unusable
from producer.registry.model import Export
from producer.registry.store import Registry, Unregistered
from producer.runs.store import RunStore
from tests.integration.serving import MAPPING, connection, export
from wire.chunk_queue.run import Mode, RunState, Trigger, state
from wire.store.keys import key
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

NOON_MS = 1_795_435_200_000


def _intake(store: Store, registry: Registry | None = None, first: int = 1) -> Intake:
    dice = count(first)
    return Intake(
        store,
        registry or Registry(store),
        snapshot_roots=[Path("/s")],
        retention=Retention(rejects_days=2, runs_days=3),
        clock_ms=lambda: NOON_MS,
        dice=lambda: f"{next(dice):08x}",
    )


def _event(
    identity: str = "1", *, segment: str = "vip", snapshot: str = "/s/a.csv", time: int | None = None, **data: Any
) -> SegmentRefreshed:
    return SegmentRefreshed(
        identity, "/cdp", "segment.refreshed", None, time, {"segment": segment, "snapshot": snapshot, **data}
    )


async def _registered(store: Store, *exports: Export) -> Registry:
    registry = Registry(store)
    await registry.save_connection(connection("main"), secret=b"s")
    for one in exports:
        await registry.save_export(one)
    return registry


def test_an_event_opens_a_run_for_each_export_of_its_segment(with_store: WithStore) -> None:
    """Each with an immutable copy of its export, queued, due by its budget."""

    async def scenario(store: Store) -> None:
        own = export("a", budget_minutes=0.5, mapping={**MAPPING, "phone": "Tel"}, automations=True)
        await _registered(store, own, export("b", list_id="13"), export("c", segment="other"))
        accepted = await _intake(store).accept_event(_event())
        assert accepted == AcceptedEvent(("20261123T120000-00000001", "20261123T120000-00000002"))
        first, second = await RunStore(store).look(accepted.runs)
        assert (first.export_name, first.list_id, first.account) == ("a", "12", "acme.api-us1.com")
        assert (second.export_name, second.list_id, second.connection) == ("b", "13", "id-main")
        assert (first.trigger, first.mode, first.dry_run) == (Trigger.EVENT, Mode.CHANGES, False)
        assert (first.snapshot, first.segment, state(first)) == ("/s/a.csv", "vip", RunState.QUEUED)
        assert first.deadline - first.created == 30_000
        assert first.spec == {
            "mapping": {**MAPPING, "phone": "Tel"},
            "leavers": "keep",
            "automations": True,
            "default_region": None,
            "budget_minutes": 0.5,
            "patience_minutes": 30,
            "delivery_patience_minutes": 720,
            "full_every_runs": None,
            "full_every_days": None,
            "leavers_field": None,
            "leavers_confirm": "next_refresh",
            "leavers_guard": {},
            "brake": {},
            "changed_address": "update",
        }
        kept = await store.hash(key("run", first.id))
        assert (kept["rejects_ms"], kept["record_ms"], kept["include_refused"]) == (b"172800000", b"259200000", b"0")

    with_store(scenario)


def test_the_same_event_again_gets_the_same_answer_and_opens_nothing(with_store: WithStore) -> None:
    """However often, also when exports, time and order of its names have changed; with other data it conflicts."""

    async def scenario(store: Store) -> None:
        registry = await _registered(store, export("a"))
        intake = _intake(store)
        first = await intake.accept_event(_event(rows=5))
        await registry.save_export(export("b", list_id="13"))
        again = replace(_event(), time=5, data={"rows": 5, "snapshot": "/s/a.csv", "segment": "vip"})
        assert await intake.accept_event(again) == first
        assert await registry.runs(most=9) == first.runs
        with pytest.raises(Conflicting):
            await intake.accept_event(_event(rows=6))
        other_source = replace(_event(rows=6), source="/cd", id="p1")
        assert len((await intake.accept_event(other_source)).runs) == 2

    with_store(scenario)


def test_an_event_that_opens_no_run_says_why_again_and_again(with_store: WithStore) -> None:
    """No export, only detached ones, or a later refresh was there before."""

    async def scenario(store: Store) -> None:
        registry = await _registered(store, export("a", segment="alone", connection=None))
        intake = _intake(store)
        for _ in range(2):
            assert await intake.accept_event(_event("1")) == AcceptedEvent((), "no export names this segment")
            detached = await intake.accept_event(_event("2", segment="alone"))
            assert detached == AcceptedEvent((), "every export of this segment is detached from its connection")
        await registry.save_export(export("b", segment="timed"))
        assert len((await intake.accept_event(_event("3", segment="timed", time=2000))).runs) == 1
        stale = await intake.accept_event(_event("4", segment="timed", time=1000, snapshot="/s/old.csv"))
        assert stale.runs == ()
        assert stale.reason is not None
        assert stale.reason.startswith("stale")
        assert (await registry.segment("timed")).snapshot == "/s/a.csv"

    with_store(scenario)


def test_a_newer_refresh_takes_the_place_of_a_run_that_has_not_begun(with_store: WithStore) -> None:
    """And inherits its full."""

    async def scenario(store: Store) -> None:
        await _registered(store, export("a"))
        intake, run_store = _intake(store), RunStore(store)
        full = await intake.demand("a", Demand(snapshot="/s/a.csv", mode=Mode.FULL))
        (newer,) = (await intake.accept_event(_event())).runs
        before, after = await run_store.look([full, newer])
        assert (state(before), state(after), after.mode) == (RunState.SUPERSEDED, RunState.QUEUED, Mode.FULL)

    with_store(scenario)


@pytest.mark.parametrize(
    ("event", "places"),
    [
        (replace(_event(), type="other"), {"/type"}),
        (replace(_event(), data=None), {"/data", "/data/segment", "/data/snapshot"}),
        (replace(_event(), data=["vip"]), {"/data", "/data/segment", "/data/snapshot"}),
        (replace(_event(), data={"segment": "", "snapshot": 5}), {"/data/segment", "/data/snapshot"}),
        (_event(segment="v" * 256), {"/data/segment"}),
        (_event(snapshot="/s/a\n.csv"), {"/data/snapshot"}),
        (replace(_event(), subject="others"), {"/subject"}),
        (_event(snapshot="/etc/passwd"), {"/data/snapshot"}),
        (_event(snapshot="/s/../etc/passwd"), {"/data/snapshot"}),
        (_event(snapshot="s3://bucket/key"), {"/data/snapshot"}),
    ],
)
def test_an_event_that_cannot_be_followed_names_its_faults(
    with_store: WithStore, event: SegmentRefreshed, places: set[str]
) -> None:
    """And leaves nothing behind: mended, it may come again under the same id."""

    async def scenario(store: Store) -> None:
        await _registered(store, export("a"))
        with pytest.raises(Unusable) as caught:
            await _intake(store).accept_event(event)
        assert set(caught.value.faults) == places
        assert len((await _intake(store).accept_event(_event())).runs) == 1

    with_store(scenario)


def test_a_demand_takes_the_segments_latest_snapshot(with_store: WithStore) -> None:
    """Unless it names one; a segment that was never refreshed has none."""

    async def scenario(store: Store) -> None:
        await _registered(store, export("a"), export("b", connection=None))
        intake, run_store = _intake(store), RunStore(store)
        with pytest.raises(Unusable) as caught:
            await intake.demand("a", Demand())
        assert "never refreshed" in caught.value.faults["/snapshot"]
        await intake.accept_event(_event(snapshot="/s/latest.csv"))
        asked = Demand(mode=Mode.FULL, dry_run=True, include_refused=True)
        latest = await intake.demand("a", asked)
        named = await intake.demand("a", Demand(snapshot="/s/named.csv"))
        first, second = await run_store.look([latest, named])
        assert (first.snapshot, first.mode, first.dry_run, first.trigger) == (
            "/s/latest.csv",
            Mode.FULL,
            True,
            Trigger.DEMAND,
        )
        assert (await store.hash(key("run", latest)))["include_refused"] == b"1"
        assert second.snapshot == "/s/named.csv"
        with pytest.raises(Unusable):
            await intake.demand("a", Demand(snapshot="/etc/passwd"))
        with pytest.raises(Detached):
            await intake.demand("b", Demand())
        with pytest.raises(Unregistered):
            await intake.demand("c", Demand())

    with_store(scenario)


def test_an_idempotency_key_opens_one_run(with_store: WithStore) -> None:
    """Of that export and for that demand; the latest snapshot may have changed meanwhile."""

    async def scenario(store: Store) -> None:
        registry = await _registered(store, export("a"), export("b", list_id="13"))
        intake = _intake(store)
        await intake.accept_event(_event())
        run = await intake.demand("a", Demand(), idempotency_key="k")
        await intake.accept_event(_event("2", snapshot="/s/newer.csv"))
        assert await intake.demand("a", Demand(), idempotency_key="k") == run
        with pytest.raises(Conflicting):
            await intake.demand("a", Demand(dry_run=True), idempotency_key="k")
        assert await intake.demand("b", Demand(), idempotency_key="k") != run
        assert len(await registry.runs(most=9)) == 6

    with_store(scenario)


class _Restless(Registry):
    """A registry that somebody changes each time its revision has been read, `times` over."""

    def __init__(self, store: Store, times: int) -> None:
        super().__init__(store)
        self.times = times

    async def revision(self) -> str:
        read = await super().revision()
        if self.times:
            self.times -= 1
            before = await self.export("a")
            await self.save_export(replace(before, list_id=str(int(before.list_id) + 1)), replaces=before)
        return read


def test_an_export_changed_while_a_run_is_opened_is_read_again(with_store: WithStore) -> None:
    """No run begins with a copy that was out of date; under endless changes the caller is asked to come again."""

    async def scenario(store: Store) -> None:
        await _registered(store, export("a"))
        (run,) = (await _intake(store, _Restless(store, 2)).accept_event(_event())).runs
        demanded = await _intake(store, _Restless(store, 2), first=9).demand("a", Demand(dry_run=True))
        assert [one.list_id for one in await RunStore(store).look([run, demanded])] == ["14", "16"]
        with pytest.raises(Contended):
            await _intake(store, _Restless(store, 99)).accept_event(_event("2"))
        with pytest.raises(Contended):
            await _intake(store, _Restless(store, 99)).demand("a", Demand())

    with_store(scenario)


def test_data_nested_too_deeply_to_be_compared_is_refused(with_store: WithStore) -> None:
    """Rather than accepted without the fingerprint that tells it from other data."""

    async def scenario(store: Store) -> None:
        await _registered(store, export("a"))
        nested: Any = []
        for _ in range(300):
            nested = [nested]
        with pytest.raises(Unusable) as caught:
            await _intake(store).accept_event(_event(deep=nested))
        assert set(caught.value.faults) == {"/data"}

    with_store(scenario)
