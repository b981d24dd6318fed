"""People under a new address are looked up before they are imported: a real store, real HTTP, a strict account."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from redis import Redis

from deploy.local.valkey import Valkey
from producer.intake.new_run import Order, Retention, row
from producer.people.membership import Membership
from tests.integration.serving import export
from tests.integration.walking import START
from tests.integration.worker.test_chunk_worker import LIST, asked, on_the_list, rejected, verdicts
from tests.integration.workplace import Workplace, workplace
from tests.sandbox.account import Contact, Details
from tests.sandbox.app import WORLD, create_app
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from tests.sandbox.world import World
from tests.unit.records import contacts
from wire.activecampaign.requests import How, contacts_of, import_body, moved
from wire.chunk_queue.chunk import NewChunk
from wire.chunk_queue.membership_entry import MembershipEntries, MembershipEntry, MemberState, past_of
from wire.chunk_queue.run import Run, RunState, Trigger, state
from wire.store import codec
from wire.store.keys import key

Scenario = Callable[[Workplace, World], Awaitable[None]]
Play = Callable[..., None]

PRINT = b"a print."


@pytest.fixture
def redis(valkey: Valkey) -> Iterator[Redis]:
    """The store's server."""
    with Redis(port=valkey.port) as client:
        yield client


@pytest.fixture
def play(redis: Redis) -> Play:
    """Run a scenario against a sandbox account on the same time, with switches flipped."""

    def run(scenario: Scenario, **wishes: object) -> None:
        async def opened() -> None:
            places: list[Workplace] = []
            switches = changed(Switches(), {"police_retry_after": "record"} | wishes)
            app = create_app(Settings(switches=switches), lambda: (places[0].now if places else START) / 1000)
            async with workplace(redis, app) as place:
                places.append(place)
                await scenario(place, app[WORLD])
                assert not app[WORLD].journal.violations, "a limit was hit"

        asyncio.run(opened())

    return run


def person(name: str) -> bytes:
    """The keyed hash of somebody's id."""
    return name.encode().ljust(8, b"#")


def there(world: World, *names: str) -> list[Contact]:
    """Contacts who are subscribed already."""
    found = [world.account.upsert(Details(f"{name}@example.org")) for name in names]
    for one in found:
        world.account.subscribe(one, LIST)
    return found


def names(world: World) -> set[str]:
    """Everybody whom the account knows."""
    return {one.email.partition("@")[0] for one in world.account.contacts.values()}


async def open_run(place: Workplace, *moves: tuple[str, str], how: How = "update") -> None:
    """Open a run of people with former and new names, all of whom are known as members by their ids."""
    made = export(connection=place.connection.id, mapping={"email": "Email", "id": "Id"})
    fields = row("r1", made, place.connection, Order(snapshot="/s.csv", trigger=Trigger.DEMAND), Retention())
    await place.store.run("demand", "", "", 1000, await place.registry.revision(), codec.text(fields))
    run = await place.run_store.begin("a-reader")
    assert run is not None
    people = len(moves)
    figures = {"read": people, "selected": people, "moving": people}
    entries = [
        (f"{former}@example.org", MembershipEntry(MemberState.MEMBER, PRINT, 1, person=person(former)))
        for former, _ in moves
    ]
    await place.run_store.surveyed(
        "r1",
        "a-reader",
        figures=figures,
        selection=b"",
        forecast={"requests": 1},
        rejects=[],
        pin="a-pin",
        entries=MembershipEntries.of(entries),
    )
    written = contacts_of(contacts(*(new for _, new in moves)))
    noted = [moved(one, f"{former}@example.org", how) for one, (former, _) in zip(written, moves, strict=True)]
    told = await place.run_store.append(
        "r1",
        "a-reader",
        [
            NewChunk(
                people,
                import_body(noted, automations=False),
                range(1, people + 1),
                b"".join(PRINT + person(former) for former, _ in moves),
            )
        ],
        at=(0, 0),
        kind="moving",
    )
    assert told.reading == "ok"
    await place.run_store.end_reading("r1", "a-reader", at=(1, people))


async def known(place: Workplace, name: str) -> MembershipEntry | None:
    """What membership knows of a name."""
    return await Membership(place.store).entry(await place.run(), f"{name}@example.org")


def moves_of(run: Run) -> tuple[int, int]:
    """How many kept their contact, and how many did not."""
    return run.updated, run.newcomers


def test_a_contact_is_given_the_new_address_and_is_the_same_one(play: Play) -> None:
    """With one import for all of them; what stood in the membership under the old address is gone."""

    async def scenario(place: Workplace, world: World) -> None:
        before = [one.id for one in there(world, "ann", "bob")]
        await open_run(place, ("ann", "anna"), ("bob", "bert"))
        run = await place.finish()
        assert verdicts(place) == ["LookedUp", "Done", "Applied"]
        assert (run.books.applied, run.imports, moves_of(run)) == (2, 1, (2, 0))
        assert [world.account.contacts[number].email for number in before] == ["anna@example.org", "bert@example.org"]
        assert names(world) == on_the_list(world) == {"anna", "bert"}
        assert await known(place, "ann") is None
        entry = await known(place, "anna")
        assert entry is not None
        assert (entry.standing, entry.fingerprint, entry.person) == (MemberState.MEMBER, PRINT, person("ann"))

    play(scenario)


def test_who_has_opted_out_stays_out_under_the_new_address(play: Play) -> None:
    """It is the same contact, and the importer itself keeps them out."""

    async def scenario(place: Workplace, world: World) -> None:
        (ann, _) = there(world, "ann", "bob")
        world.account.unsubscribe(ann, LIST)
        await open_run(place, ("ann", "anna"), ("bob", "bert"))
        run = await place.finish()
        assert (run.books.applied, run.books.refused, moves_of(run)) == (1, 1, (2, 0))
        assert on_the_list(world) == {"bert"}
        assert not world.account.resubscribed
        entry = await known(place, "anna")
        assert entry is not None
        assert entry.standing is MemberState.REFUSED

    play(scenario)


@pytest.mark.parametrize("how", ["update", "check"])
def test_a_newcomer_who_has_opted_out_under_the_old_address_is_not_imported(play: Play, how: How) -> None:
    """Neither where the export says so, nor where another contact has the new address."""

    async def scenario(place: Workplace, world: World) -> None:
        ann, _ = there(world, "ann", "bob")
        if how == "update":
            there(world, "bert")
            world.account.upsert(Details("anna@example.org"))
        world.account.unsubscribe(ann, LIST)
        await open_run(place, ("ann", "anna"), ("bob", "bert"), how=how)
        run = await place.finish()
        assert (run.books.applied, run.books.refused, moves_of(run)) == (1, 1, (0, 1))
        assert "anna" not in on_the_list(world)
        assert {"bob", "bert"} <= on_the_list(world)
        assert [(line["email"], line["code"]) for line in await rejected(place)] == [
            ("anna@example.org", "opted_out_or_excluded")
        ]
        # It is kept where they did it, and nowhere else: so it holds for every address to come.
        assert await known(place, "anna") is None
        out, former = await known(place, "ann"), await known(place, "bob")
        assert out is not None
        assert former is not None
        assert (out.standing, out.person, out.was_member) == (MemberState.REFUSED, person("ann"), True)
        assert (former.standing, former.person) == (MemberState.MEMBER, past_of(person("bob")))

    play(scenario)


def test_where_the_old_address_is_nobodys_the_new_one_is_imported(play: Play) -> None:
    """A marketer has deleted the contact, or somebody was here before us and was killed."""

    async def scenario(place: Workplace, world: World) -> None:
        there(world, "anna")
        await open_run(place, ("ann", "anna"), ("bob", "bert"))
        run = await place.finish()
        assert (run.books.applied, moves_of(run)) == (2, (1, 1))
        assert names(world) == on_the_list(world) == {"anna", "bert"}
        assert await known(place, "ann") is None
        assert await known(place, "bob") is None

    play(scenario)


def test_all_of_them_may_have_opted_out(play: Play) -> None:
    """Then nothing is imported, and the run is over."""

    async def scenario(place: Workplace, world: World) -> None:
        for one in there(world, "ann", "bob"):
            world.account.unsubscribe(one, LIST)
        await open_run(place, ("ann", "anna"), ("bob", "bert"), how="check")
        run = await place.finish()
        assert (run.books.refused, run.imports, asked(world, Endpoint.IMPORT)) == (2, 0, [])
        assert names(world) == {"ann", "bob"}

    play(scenario)


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "502"])
def test_a_change_whose_answer_is_lost_is_made_once(play: Play, fault: str) -> None:
    """Whether it was made or not, it ends right."""

    async def scenario(place: Workplace, world: World) -> None:
        (ann,) = there(world, "ann")
        await open_run(place, ("ann", "anna"))
        run = await place.finish()
        assert (run.books.applied, moves_of(run)) == (1, (1, 0))
        assert world.account.contacts[ann.id].email == "anna@example.org"
        assert names(world) == {"anna"}

    play(scenario, faults=[f"{fault}:x1@update"])


def test_a_worker_that_is_killed_between_two_steps_leaves_the_rest_to_another(play: Play) -> None:
    """Who begins anew, and finds what is done as done."""

    async def scenario(place: Workplace, world: World) -> None:
        there(world, "ann", "bob")
        await open_run(place, ("ann", "anna"), ("bob", "bert"))
        held = await place.chunk_store.take(place.host, "a-bell", "a-token")
        assert held is not None
        world.account.readdress(world.account.contacts[1], "anna@example.org")  # and then it was killed
        run = await place.finish()
        assert (run.books.applied, moves_of(run)) == (2, (2, 0))
        assert names(world) == on_the_list(world) == {"anna", "bert"}

    play(scenario)


def test_a_slow_account_is_asked_one_question_at_a_time(play: Play) -> None:
    """No thread waits for it, and nothing is asked twice."""

    async def scenario(place: Workplace, world: World) -> None:
        place.redis.hset(key("account", place.host), "requests_per_second", 0.2)
        there(world, "ann", "bob")
        await open_run(place, ("ann", "anna"), ("bob", "bert"))
        run = await place.finish()
        assert (run.books.applied, moves_of(run)) == (2, (2, 0))
        assert [len(asked(world, one)) for one in (Endpoint.CONTACTS, Endpoint.UPDATE)] == [4, 2]

    play(scenario)


def test_who_was_looked_up_long_ago_is_looked_up_anew(play: Play) -> None:
    """They may have opted out while the run was paused."""

    async def scenario(place: Workplace, world: World) -> None:
        ann, _ = there(world, "ann", "bob")
        await open_run(place, ("ann", "anna"), ("bob", "bert"), how="check")

        async def pause_before_the_import() -> None:
            if len(asked(world, Endpoint.MEMBERSHIPS)) == 2:
                await place.run_store.steer("r1", "pause")

        place.while_waiting = pause_before_the_import
        while not (await place.run()).paused:
            await place.step()
        assert verdicts(place) == ["LookedUp", "NotSent"]
        place.while_waiting = None
        place.pass_time(7_200_000)
        world.account.unsubscribe(ann, LIST)
        await place.run_store.steer("r1", "resume")
        run = await place.finish()
        assert (run.books.applied, run.books.refused) == (1, 1)
        assert "anna" not in on_the_list(world)

    play(scenario)


@pytest.mark.parametrize("fault", ["cut", "empty_body", "utf16"])
def test_lookups_that_cannot_be_read_block_and_heal_by_themselves(play: Play, fault: str) -> None:
    """They are asked every half minute meanwhile, and nobody is sent."""

    async def scenario(place: Workplace, world: World) -> None:
        there(world, "ann")
        await open_run(place, ("ann", "anna"))
        await place.work(300)
        run = await place.run()
        assert run.block is not None
        assert (run.block.code, run.block.by_hand) == ("unreadable_answers", False)
        assert len(asked(world, Endpoint.CONTACTS)) <= 3 + 10
        world.flip({"faults": []})
        assert state(await place.finish()) is RunState.SUCCEEDED
        assert names(world) == {"anna"}
        assert len(asked(world, Endpoint.IMPORT)) == 1

    play(scenario, faults=[f"{fault}@contacts"])
