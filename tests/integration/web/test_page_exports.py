"""Exports on the page: made by choosing, previewed before they are saved, and nobody's who may not use their connection."""

import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest

from producer.access.token import Role
from producer.services.roles import WRITERS
from producer.web.pages.export_edit import CHANGED
from producer.web.routes import PAGE_ROUTES
from tests.integration.serving import API_KEY, Served, serving
from tests.integration.visiting import Answer, Visitor, somebody
from wire.chunk_queue.run import Trigger
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
Scenario = Callable[[Served], Coroutine[Any, Any, None]]
WithPage = Callable[[Scenario], None]

NEW: Final = "/new/export"
CSV: Final = """\
Mail,Given,Phone,Tier
ann@example.org,Ann,020 7946 0000,gold
nobody,Bob,,silver
"""
CONNECTION: Final = {"host": "acme.api-us1.com", "api_key": API_KEY, "consent": True}
TYPED: Final[list[tuple[str, str]]] = [
    ("name", "vips"),
    ("connection", "main"),
    ("segment", "vip"),
    ("list_id", "12"),
    ("email", "Mail"),
    ("attribute", "first_name"),
    ("column", "Given"),
    ("attribute", "phone"),
    ("column", "Phone"),
    ("attribute", "field:7"),
    ("column", "Tier"),
    ("attribute", ""),
    ("column", ""),
    ("tags", "vip, gold"),
    ("leavers", "keep"),
    ("enabled", "yes"),
    ("schedule.cron", "0 6 * * 1-5"),
    ("schedule.zone", "Europe/Berlin"),
    ("default_region", "gb"),
    ("brake", "yes"),
    ("brake.share", "25"),
    ("brake.number", "100"),
    ("patience_minutes", "30"),
    ("delivery_patience_minutes", "720"),
]


@pytest.fixture
def with_page(with_store: WithStore, tmp_path: Path) -> WithPage:
    """Run a scenario at a page with a connection for administrators, one for contributors, and a refreshed segment."""
    snapshot = tmp_path / "vip.csv"
    snapshot.write_text(CSV)
    event = {"specversion": "1.0", "type": "segment.refreshed", "source": "/cdp", "id": "1"}

    def run(scenario: Scenario) -> None:
        async def served(store: Store) -> None:
            async with serving(store, [tmp_path]) as api:
                for name, allow in (("main", "admins"), ("open", "contributors")):
                    status, _ = await api.ask("POST", "/v1/connections", CONNECTION | {"name": name, "allow": allow})
                    assert status == 201
                await api.ask("POST", "/v1/events", event | {"data": {"segment": "vip", "snapshot": str(snapshot)}})
                await scenario(api)

        with_store(served)

    return run


async def administrator(served: Served, language: str = "en") -> Visitor:
    """Sign in as the administrator of the settings."""
    visitor = Visitor(served, language)
    await visitor.sign_in()
    return visitor


def changed(*pairs: tuple[str, str], without: str = "") -> list[tuple[str, str]]:
    """What is typed, but for these."""
    names = {name for name, _ in pairs} | {without}
    return [*(pair for pair in TYPED if pair[0] not in names), *pairs]


async def save(visitor: Visitor, fields: list[tuple[str, str]], do: str = "save", at: str = NEW) -> Answer:
    """Send the form of an export, as it stands at its address."""
    return await visitor.send(at, [*fields, ("do", do)], seen="/exports")


def test_choices_come_from_the_account_and_from_the_latest_snapshot(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        first = await visitor.get(NEW)
        assert '<option value="main">' in first.text
        assert '<option value="vip">' in first.text
        form = await visitor.get(f"{NEW}?connection=main&segment=vip")
        for option in ("12", "13", "field:7", "Mail", "Given", "Phone", "Tier"):
            assert f'<option value="{option}">' in form.text, option
        assert form.says("List 12 (12)")
        assert form.says("Loyalty tier (7)")
        assert 'name="name" type="text" value="vip"' in form.text

    with_page(scenario)


def test_a_saved_export_is_as_it_was_said_and_has_not_run(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        saved = await save(visitor, TYPED)
        assert (saved.status, saved.location) == (303, "/exports/vips?done=saved")
        status, kept = await served.ask("GET", "/v1/exports/vips")
        assert status == 200
        assert kept["mapping"] == {
            "email": "Mail",
            "first_name": "Given",
            "last_name": None,
            "phone": "Phone",
            "fields": {"7": "Tier"},
            "tags": ["vip", "gold"],
            "tags_column": None,
        } | {name: kept["mapping"][name] for name in kept["mapping"].keys() - MAPPED}
        assert kept["schedule"] == {"cron": "0 6 * * 1-5", "zone": "Europe/Berlin"}
        assert kept["brake"] == {"share": 0.25, "number": 100}
        assert (kept["default_region"], kept["list_id"], kept["enabled"]) == ("GB", "12", True)
        assert await served.registry.runs(most=10) == ()
        assert (await visitor.get(saved.location)).says("It has not run")

    with_page(scenario)


MAPPED: Final = frozenset({"email", "first_name", "last_name", "phone", "fields", "tags", "tags_column"})


def test_the_preview_shows_mapped_contacts_with_masked_addresses_and_saves_nothing(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        shown = await save(await administrator(served), TYPED, "preview")
        assert shown.status == 200
        assert shown.says("a***@example.org")
        assert "ann@example.org" not in shown.text
        assert shown.says("+442079460000")
        assert shown.says("gold")
        assert shown.says("An email address must have an @-sign.")
        assert await served.registry.exports() == []

    with_page(scenario)


def test_faults_stand_beside_their_fields_and_rows_at_once_and_everything_typed_stays(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        bad = [
            *(("name", "No Name"), ("connection", ""), ("segment", ""), ("list_other", "twelve"), ("email", "")),
            *(("attribute", "first_name"), ("column", "")),
            *(("attribute", ""), ("column", "Given")),
            *(("attribute", "phone"), ("column", "Phone")),
            *(("attribute", "phone"), ("column", "Given")),
            *(
                ("leavers", "field"),
                ("leavers_field.id", "x"),
                ("schedule.cron", "99 * * * *"),
                ("schedule.zone", "Moon"),
            ),
            *(("default_region", "GBR"), ("brake", "yes"), ("brake.share", "half"), ("brake.number", "1.5")),
            *(("patience_minutes", "0"), ("delivery_patience_minutes", "720")),
        ]
        refused = await save(visitor, bad)
        assert refused.status == 422
        for name in (
            *("name", "connection", "segment", "list_id", "email", "column-0", "attribute-1", "attribute-3"),
            *("leavers_field.id", "leavers_field.left", "leavers_field.present", "schedule.cron", "schedule.zone"),
            *("default_region", "brake.share", "brake.number", "patience_minutes"),
        ):
            assert f'id="{name}-fault"' in refused.text, name
        for value in ("No Name", "twelve", "99 * * * *", "Moon", "GBR", "half", "1.5"):
            assert f'value="{value}"' in refused.text, value
        assert await served.registry.exports() == []

    with_page(scenario)


def test_what_only_the_account_knows_is_told_beside_the_list(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served, "de")
        refused = await save(visitor, changed(("list_other", "99")))
        assert refused.status == 422
        assert 'id="list_id-fault"' in refused.text
        assert refused.says("Diese Liste gibt es nicht.")

    with_page(scenario)


def test_unsubscribing_asks_a_second_time(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        wish = changed(("leavers", "unsubscribe"))
        asked = await save(visitor, wish)
        assert asked.status == 422
        assert 'id="confirm_unsubscribe-fault"' in asked.text
        assert await served.registry.exports() == []
        assert (await save(visitor, [*wish, ("confirm_unsubscribe", "yes")])).status == 303
        assert (await served.registry.export("vips")).leavers == "unsubscribe"

    with_page(scenario)


def test_what_confirms_a_leaver_is_chosen_shown_and_kept(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        wish = changed(("leavers", "unsubscribe"))
        assert 'value="next_refresh" checked' in (await visitor.get("/new/export?connection=main&segment=vip")).text
        yes = ("confirm_unsubscribe", "yes")
        wish += [("leavers_guard", "yes"), ("leavers_guard.share", "5"), ("leavers_guard.number", "1000")]
        assert (
            'name="leavers_guard.share" type="text" value="5"'
            in (await visitor.get("/new/export?connection=main&segment=vip")).text
        )
        assert (await save(visitor, [*wish, ("leavers_confirm", "by_hand"), yes])).status == 303
        assert "when a person has accepted it, run by run" in (await visitor.get("/exports/vips")).text
        form = (await visitor.get("/exports/vips/edit")).text
        assert 'value="by_hand" checked' in form
        seen = ("seen", form.split('name="seen" value="')[1].split('"')[0])
        at_once = [*wish, ("leavers_confirm", "at_once"), seen]
        asked = await save(visitor, at_once, at="/exports/vips/edit")
        assert (asked.status, 'id="confirm_unsubscribe-fault"' in asked.text) == (422, True)
        assert (await save(visitor, [*at_once, yes], at="/exports/vips/edit")).status == 303
        export = await served.registry.export("vips")
        assert (export.leavers_confirm, export.leavers_guard) == ("at_once", {})

    with_page(scenario)


def test_rows_come_and_go_without_scripts(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        more = await save(visitor, TYPED, "add")
        assert more.status == 200
        assert 'id="attribute-4"' in more.text
        less = await save(visitor, TYPED, "drop-0")
        assert re.findall(
            r'<option value="(\S+)" selected', less.text.split('id="rows"')[1].split("</fieldset>")[0]
        ) == [
            *("phone", "Phone", "field:7", "Tier"),
        ]
        assert less.says("Remove Attribute 3")

    with_page(scenario)


def test_while_the_account_answers_nobody_ids_are_entered(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        served.checks.busy = True
        form = await visitor.get(f"{NEW}?connection=main&segment=vip")
        assert form.says("The account's lists and fields cannot be shown:")
        assert '<input id="list_id"' in form.text
        assert (await save(visitor, TYPED)).status == 503
        assert await served.registry.exports() == []

    with_page(scenario)


def test_columns_of_a_segment_nobody_has_heard_of_are_entered(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        form = await visitor.get(f"{NEW}?connection=main&segment=new")
        assert form.says("The segment was never refreshed")
        assert '<input id="email"' in form.text
        assert (await save(visitor, changed(("segment", "new")))).status == 303

    with_page(scenario)


def test_a_change_keeps_what_the_form_does_not_know_and_refuses_what_somebody_else_changed(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        edit = "/exports/vips/edit"
        form = await visitor.get(edit)
        seen = form.text.split('name="seen" value="')[1].split('"')[0]
        assert 'value="Tier" selected' in form.text
        assert 'name="brake.share" type="text" value="25"' in form.text
        said = [*changed(("list_other", "13"), ("schedule.cron", "")), ("seen", seen)]
        assert (await save(visitor, said, at=edit)).location == "/exports/vips?done=changed"
        kept = await served.registry.export("vips")
        assert (kept.list_id, kept.schedule) == ("13", None)
        late = await save(visitor, said, at=edit)
        assert late.status == 409
        assert late.says(CHANGED)

    with_page(scenario)


def test_a_detached_export_is_attached_to_another_connection(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        await served.ask("DELETE", "/v1/connections/main")
        shown = await visitor.get("/exports/vips")
        assert shown.says("no connection")
        assert shown.says("Attach it to another connection")
        assert shown.says("Does not run until it is attached to another connection.")
        assert not shown.says("Runs with the next refresh")
        assert "/exports/vips/run" not in shown.text
        form = await visitor.get("/exports/vips/edit")
        seen = form.text.split('name="seen" value="')[1].split('"')[0]
        attached = await save(visitor, [*changed(("connection", "open")), ("seen", seen)], at="/exports/vips/edit")
        assert attached.location == "/exports/vips?done=changed"
        assert (await served.registry.export("vips")).connection is not None

    with_page(scenario)


def test_a_duplicate_is_a_new_export_that_is_like_the_other(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        form = await visitor.get("/exports/vips/duplicate")
        assert 'action="/new/export"' in form.text
        assert 'name="name" type="text" value="vips-copy"' in form.text
        assert (await save(visitor, changed(("name", "vips-copy")))).status == 303
        assert [export.name for export in await served.registry.exports()] == ["vips", "vips-copy"]

    with_page(scenario)


def test_ids_of_people_and_what_a_changed_address_means_are_kept_by_edits_and_duplicates(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        said = (("person_id", "Customer"), ("changed_address", "leaver_and_newcomer"))
        await save(visitor, [*TYPED, *said])
        export = await served.registry.export("vips")
        assert (export.mapping["id"], export.changed_address) == ("Customer", "leaver_and_newcomer")
        for at in ("/exports/vips/edit", "/exports/vips/duplicate"):
            form = (await visitor.get(at)).text
            assert 'value="Customer"' in form
            assert 'value="leaver_and_newcomer" checked' in form
        assert "Leaves under the old address" in (await visitor.get("/exports/vips")).text
        assert 'value="update" checked' in (await visitor.get("/new/export?connection=main&segment=vip")).text

    with_page(scenario)


def test_run_now_opens_one_run_however_often_the_form_is_sent(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        once = (await visitor.get("/exports/vips")).text.split('name="once" value="')[1].split('"')[0]
        for _ in range(2):
            sent = await visitor.send(
                "/exports/vips/run", {"once": once, "mode": "full", "dry_run": "yes"}, seen="/exports"
            )
            assert sent.status == 303
        (opened,) = await served.registry.runs(most=10)
        assert sent.location == f"/runs/{opened}"
        (run,) = await served.run_store.look([opened])
        assert (run.mode, run.dry_run, run.trigger) == ("full", True, Trigger.DEMAND)

    with_page(scenario)


def test_the_list_says_what_ran_and_why_and_what_does_not_run(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        assert (await visitor.get("/exports")).says("never ran")
        await visitor.send("/exports/vips/run", {"once": "1"}, seen="/exports")
        listed = await visitor.get("/exports")
        assert listed.says("queued")
        assert listed.says("By hand")
        off = await visitor.send("/exports/vips/switch", {"do": "disable"}, seen="/exports")
        assert off.location == "/exports/vips?done=disabled"
        assert (await visitor.get("/exports")).says("disabled")
        on = await visitor.send("/exports/vips/switch", {"do": "enable"}, seen="/exports")
        assert on.location == "/exports/vips?done=enabled"

    with_page(scenario)


def test_all_with_a_schedule_are_run_and_those_left_out_are_told(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served, "de")
        await save(visitor, TYPED)
        await save(visitor, changed(("name", "off"), without="enabled"))
        await save(visitor, changed(("name", "unscheduled"), ("schedule.cron", "")))
        ran = await visitor.send("/exports", {"once": "1"})
        assert ran.says("Ein Lauf wurde eröffnet")
        assert ran.says("Ein Export wurde ausgelassen")
        assert ran.says("off: Der Export ist ausgeschaltet.")
        assert len(await served.registry.runs(most=10)) == 1

    with_page(scenario)


def test_removing_asks_first_and_says_what_ends(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        await save(visitor, TYPED)
        await visitor.send("/exports/vips/run", {"once": "1"}, seen="/exports")
        asked = await visitor.get("/exports/vips/remove")
        assert asked.says("A run of it is under way. It ends")
        assert len(await served.registry.exports()) == 1
        gone = await visitor.send("/exports/vips/remove")
        assert (await visitor.get(gone.location)).says("The export vips was removed.")
        assert await served.registry.exports() == []

    with_page(scenario)


def test_whoever_may_use_no_connection_is_told_why_and_whom_to_ask(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await served.ask("DELETE", "/v1/connections/open")
        told = await (await somebody(served, Role.CONTRIBUTOR)).get(NEW)
        assert told.says("There is a connection to ActiveCampaign, but it is for administrators only: main")
        assert told.says("Ask admin, or another administrator")
        await served.ask("DELETE", "/v1/connections/main")
        assert (await (await administrator(served)).get(NEW)).says("First, a connection")

    with_page(scenario)


def test_a_contributor_works_with_open_connections_and_only_looks_at_the_others(with_page: WithPage) -> None:
    """What they may not do is absent, and refused where they know the address."""

    async def scenario(served: Served) -> None:
        admin = await administrator(served)
        await save(admin, TYPED)
        visitor = await somebody(served, Role.CONTRIBUTOR)
        first = await visitor.get(f"{NEW}?connection=main&segment=vip")
        assert '<option value="main"' not in first.text
        assert (await save(visitor, changed(("name", "mine"), ("connection", "open")))).status == 303
        mine = await visitor.get("/exports/mine")
        for way in ("edit", "run", "switch", "remove"):
            assert f"/exports/mine/{way}" in mine.text
        closed = await visitor.get("/exports/vips")
        assert closed.says("Its connection is for administrators only")
        for way in ("edit", "run", "switch", "remove"):
            assert f"/exports/vips/{way}" not in closed.text
        for path in ("edit", "remove"):
            assert (await visitor.get(f"/exports/vips/{path}")).status == 403
        for path in ("edit", "run", "switch", "remove"):
            assert (await save(visitor, TYPED, at=f"/exports/vips/{path}")).status == 403, path
        assert (await save(visitor, changed(("name", "theirs")))).status == 403
        assert (await save(visitor, TYPED, "preview")).status == 403
        assert [export.name for export in await served.registry.exports()] == ["mine", "vips"]
        assert await served.registry.runs(most=10) == ()

    with_page(scenario)


def test_a_viewer_looks_and_finds_nothing_to_do(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await save(await administrator(served), TYPED)
        visitor = await somebody(served, Role.VIEWER)
        for path in ("/exports", "/exports/vips"):
            seen = await visitor.get(path)
            assert seen.status == 200
            assert set(re.findall(r'<form method="post" action="([^"]*)"', seen.text)) == {"/logout"}
            assert NEW not in seen.text
        for leaf in PAGE_ROUTES:
            if leaf.roles == WRITERS and "/runs/" not in leaf.path:
                path = leaf.path.replace("{name}", "vips")
                proof = [("proof", (await visitor.get("/exports")).proof)] if leaf.method == "POST" else None
                assert (await visitor.ask(leaf.method, path, proof)).status == 403, path
        assert len(await served.registry.exports()) == 1

    with_page(scenario)


def test_the_trail_says_who_did_what_by_the_page(with_page: WithPage) -> None:
    """Coming and going, and what was saved, run and removed in between."""

    async def scenario(served: Served) -> None:
        visitor = await somebody(served, Role.CONTRIBUTOR)
        await save(visitor, changed(("connection", "open")))
        await visitor.send("/exports", {"once": "1"})
        await visitor.send("/exports/vips/remove")
        await visitor.send("/logout", seen="/exports")
        _, trail = await served.ask("GET", "/v1/audit?who=contributor-en")
        assert [entry["what"] for entry in reversed(trail["items"])] == [
            *("session.opened", "export.created", "run.opened", "export.deleted", "session.closed"),
        ]
        assert {(entry["via"], entry["remote"]) for entry in trail["items"]} == {("page", "127.0.0.1")}

    with_page(scenario)


def test_what_contributors_may_not_see_is_not_remembered_for_them(with_page: WithPage) -> None:
    """An administrator's look at an account opens nothing to others."""

    async def scenario(served: Served) -> None:
        await (await administrator(served)).get(f"{NEW}?connection=main&segment=vip")
        visitor = await somebody(served, Role.CONTRIBUTOR)
        assert (await save(visitor, TYPED, "refresh")).status == 403

    with_page(scenario)
