"""Connections on the page: connected before they are saved, kept in step with the API's rules, and nobody's but administrators'."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest

from producer.access.token import Role
from producer.registry.model import Allow
from producer.services.roles import ADMIN
from producer.web.pages.connections import CHANGED
from producer.web.routes import PAGE_ROUTES
from tests.integration.serving import API_KEY, Served, connection, export, serving
from tests.integration.visiting import Answer, Visitor, somebody
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
Scenario = Callable[[Served], Coroutine[Any, Any, None]]

NEW: Final = "/new/connection"
TYPED: Final = {
    "display_name": "Newsletter Europe",
    "host": "https://Acme.api-us1.com/",
    "allow": "admins",
    "consent": "yes",
    "limits.imports_per_minute": "100",
    "limits.single_imports_per_minute": "20",
    "limits.requests_per_second": "5",
}


@pytest.fixture
def with_page(with_store: WithStore) -> Callable[[Scenario], None]:
    """Run a scenario at a served page over an empty store."""

    def run(scenario: Scenario) -> None:
        async def served(store: Store) -> None:
            async with serving(store) as api:
                await scenario(api)

        with_store(served)

    return run


WithPage = Callable[[Scenario], None]


async def administrator(served: Served, language: str = "en") -> Visitor:
    """Sign in as the administrator of the settings."""
    visitor = Visitor(served, language)
    await visitor.sign_in()
    return visitor


async def connect(served: Served) -> None:
    """Make a connection, by the administrator of the settings."""
    said = {"name": "main", "host": "acme.api-us1.com", "api_key": API_KEY, "consent": True}
    assert (await served.ask("POST", "/v1/connections", said))[0] == 201


def seen_of(form: Answer) -> str:
    """How the connection stood when the form was opened."""
    return form.text.split('name="seen" value="')[1].split('"')[0]


def draft_of(text: str) -> str:
    """The word that stands for the key that was entered."""
    return text.split('name="draft" value="')[1].split('"', maxsplit=1)[0]


def test_connect_shows_the_account_and_saves_nothing_and_save_needs_no_key_again(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        connected = await visitor.send(NEW, TYPED | {"api_key": API_KEY, "do": "connect"})
        assert connected.status == 200
        assert connected.says("The key works.")
        assert connected.says("List 12 (12)")
        assert connected.says("1,234 of the 10,000 that the contract allows")
        assert 'value="acme.api-us1.com"' in connected.text
        assert API_KEY not in connected.text
        assert await served.registry.connections() == []
        saved = await visitor.send(NEW, TYPED | {"draft": draft_of(connected.text), "do": "save"})
        assert (saved.status, saved.location) == (303, "/connections/newsletter-europe?done=saved")
        (kept,) = await served.registry.connections()
        assert (kept.display_name, kept.host, kept.allow) == ("Newsletter Europe", "acme.api-us1.com", Allow.ADMINS)
        assert (kept.consent.by, kept.export_user) == ("admin", "admin")
        shown = await visitor.get(saved.location)
        assert shown.says("admin agreed on")
        assert API_KEY not in shown.text

    with_page(scenario)


def test_a_draft_of_a_key_is_nobody_elses(with_page: WithPage) -> None:
    """Of another session: the key has to be entered."""

    async def scenario(served: Served) -> None:
        mine, other = await administrator(served), await administrator(served)
        connected = await mine.send(NEW, TYPED | {"api_key": API_KEY, "do": "connect"})
        stolen = await other.send(NEW, TYPED | {"draft": draft_of(connected.text), "do": "save"})
        assert stolen.status == 422
        assert stolen.says("Enter the key again")
        assert await served.registry.connections() == []

    with_page(scenario)


def test_every_fault_stands_beside_its_field_at_once_and_what_was_typed_stays(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        bad = {
            "display_name": "",
            "host": "https://acme.api-us1.com/api/3",
            "allow": "contributors",
            "name": "Not So Short",
            "limits.imports_per_minute": "many",
            "limits.requests_per_second": "-1",
            "do": "save",
        }
        refused = await visitor.send(NEW, bad)
        assert refused.status == 422
        for name in ("display_name", "host", "api_key", "consent", "name", "limits.imports_per_minute"):
            assert f'id="{name}-fault"' in refused.text, name
        assert refused.says("7 things are not as needed. Nothing was saved.")
        assert 'value="https://acme.api-us1.com/api/3"' in refused.text
        assert 'value="Not So Short"' in refused.text
        assert 'id="allow-contributors" name="allow" value="contributors" checked' in refused.text
        assert await served.registry.connections() == []
        assert served.checks.asked == []

    with_page(scenario)


def test_a_refused_key_is_told_beside_it_and_is_neither_kept_nor_shown(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served, "de")
        refused = await visitor.send(NEW, TYPED | {"api_key": "wrong-key", "do": "connect"})
        assert refused.status == 422
        assert refused.says("ActiveCampaign lehnt den Schlüssel ab.")
        assert 'name="draft"' not in refused.text
        assert "wrong-key" not in refused.text
        assert 'value="Newsletter Europe"' in refused.text

    with_page(scenario)


def test_a_busy_account_is_no_fault_and_the_form_stays_as_it_is(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        served.checks.busy = True
        busy = await visitor.send(NEW, TYPED | {"api_key": API_KEY, "do": "connect"})
        assert busy.status == 503
        assert busy.says("The ActiveCampaign account answers no questions now.")
        served.checks.busy = False
        again = await visitor.send(NEW, TYPED | {"draft": draft_of(busy.text), "do": "connect"})
        assert again.says("The key works.")

    with_page(scenario)


def test_a_short_name_is_made_of_the_display_name_and_is_free(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = await administrator(served)
        for expected in ("grosse-gruesse", "grosse-gruesse-2"):
            said = TYPED | {"display_name": "Große Grüße!", "api_key": API_KEY, "do": "save"}
            assert (await visitor.send(NEW, said)).location == f"/connections/{expected}?done=saved"
        taken = await visitor.send(NEW, TYPED | {"name": "grosse-gruesse", "api_key": API_KEY, "do": "save"})
        assert taken.status == 422
        assert 'id="name-fault"' in taken.text

    with_page(scenario)


def test_a_change_keeps_the_key_and_refuses_what_somebody_else_changed(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await connect(served)
        visitor = await administrator(served)
        edit = "/connections/main/edit"
        seen = seen_of(await visitor.get(edit))
        said = TYPED | {"name": "main", "display_name": "Changed", "allow": "contributors", "seen": seen}
        served.checks.asked.clear()
        assert (await visitor.send(edit, said)).location == "/connections/main?done=changed"
        changed = await served.registry.connection("main")
        assert (changed.display_name, changed.allow) == ("Changed", Allow.CONTRIBUTORS)
        assert served.checks.asked == []
        await served.ask("PATCH", "/v1/connections/main", {"display_name": "By another"})
        late = await visitor.send(edit, said)
        assert late.status == 409
        assert late.says(CHANGED)
        assert (await served.registry.connection("main")).display_name == "By another"

    with_page(scenario)


def test_another_key_makes_whoever_entered_it_the_export_user(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await connect(served)
        served.checks.api_keys.add("another-key")
        visitor = await somebody(served, Role.ADMIN)
        seen = seen_of(await visitor.get("/connections/main/edit"))
        await visitor.send("/connections/main/edit", TYPED | {"name": "main", "api_key": "another-key", "seen": seen})
        kept = await served.registry.connection("main")
        assert (kept.consent.by, kept.export_user) == ("admin", "admin-en")
        status, document = await served.ask("GET", "/v1/connections/main")
        assert (status, document["export_user"]) == (200, "admin-en")

    with_page(scenario)


def test_a_connection_kept_by_an_earlier_version_can_be_changed(with_page: WithPage) -> None:
    """It has no export user: whoever agreed is it."""

    async def scenario(served: Served) -> None:
        await served.registry.save_connection(connection(), secret=b"sealed")
        _, document = await served.ask("GET", "/v1/connections/main")
        assert document["export_user"] == "admin"
        status, _ = await served.ask("PATCH", "/v1/connections/main", {"display_name": "Changed"})
        assert status == 200

    with_page(scenario)


def test_a_check_says_what_is_wrong_and_how_to_mend_it(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await connect(served)
        visitor = await administrator(served)
        good = await visitor.send("/connections/main/check", seen="/connections/main")
        assert good.says("Host and key are good.")
        assert good.says("List 12")
        served.checks.api_keys.clear()
        bad = await visitor.send("/connections/main/check", seen="/connections/main")
        assert bad.says("The check failed: ActiveCampaign refuses the key.")
        assert 'href="/connections/main/edit"' in bad.text

    with_page(scenario)


def test_removing_asks_first_and_says_what_depends_on_it(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        await served.registry.save_connection(connection(), secret=b"sealed")
        await served.registry.save_export(export())
        visitor = await administrator(served)
        asked = await visitor.get("/connections/main/remove")
        assert asked.says("One export depends on it.")
        assert asked.says("vips")
        assert len(await served.registry.connections()) == 1
        gone = await visitor.send("/connections/main/remove")
        assert gone.location == "/connections?done=removed&gone=main"
        after = await visitor.get(gone.location)
        assert after.says("The connection main was removed")
        assert after.says("Exports without a connection")
        assert 'href="/exports/vips/edit"' in after.text
        assert (await served.registry.export("vips")).connection is None

    with_page(scenario)


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.VIEWER])
def test_who_is_no_administrator_sees_names_only_and_finds_nothing_to_do(with_page: WithPage, role: Role) -> None:
    """Absent, and refused where somebody knows the address."""

    async def scenario(served: Served) -> None:
        await served.registry.save_connection(connection(display_name="Secret purpose"), secret=b"sealed")
        visitor = await somebody(served, role)
        listed = await visitor.get("/connections")
        assert listed.says("main")
        assert "Secret purpose" not in listed.text
        assert "acme.api-us1.com" not in listed.text
        assert NEW not in listed.text
        assert "/connections/main" not in listed.text
        closed = [leaf for leaf in PAGE_ROUTES if leaf.roles == ADMIN]
        assert len(closed) >= 8
        for leaf in closed:
            path = leaf.path.replace("{name}", "main")
            proof = [("proof", (await visitor.get("/connections")).proof)] if leaf.method == "POST" else None
            refused = await visitor.ask(leaf.method, path, proof)
            assert refused.status == 403, path
            assert refused.says(f"This is not for the role {role}.")
        assert len(await served.registry.connections()) == 1

    with_page(scenario)


def test_without_connections_the_page_says_what_to_do_next(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        empty = await (await administrator(served)).get("/connections")
        assert empty.says("No connection yet")
        assert f'href="{NEW}"' in empty.text
        viewer = await (await somebody(served, Role.VIEWER)).get("/connections")
        assert viewer.says("Only administrators can add one: ask one of them.")

    with_page(scenario)


@pytest.mark.parametrize(
    ("language", "told", "also", "by_hand"),
    [
        ("en", "Several hosts lead to this one ActiveCampaign account.", "Also used by", "set by hand"),
        ("de", "Mehrere Hosts führen zu diesem einen ActiveCampaign-Konto.", "Auch verwendet von", "von Hand gesetzt"),
    ],
)
def test_an_account_under_two_hosts_is_told_and_can_be_set(
    with_page: WithPage, language: str, told: str, also: str, by_hand: str
) -> None:
    """With the connections that share it; what a person sets is shown as such, and left empty it is found out."""

    async def scenario(served: Served) -> None:
        await connect(served)
        served.checks.answers_as = {"acme.activehosted.com": "acme.api-us1.com"}
        said = {"name": "other", "host": "acme.activehosted.com", "api_key": API_KEY, "consent": True}
        assert (await served.ask("POST", "/v1/connections", said))[0] == 201
        visitor = await administrator(served, language)
        shown = await visitor.get("/connections/other")
        assert shown.says(told)
        assert shown.says(also)
        assert 'href="/connections/main"' in shown.text

        edit = "/connections/other/edit"
        form = TYPED | {"name": "other", "host": "acme.activehosted.com"}
        opened = await visitor.get(edit)
        await visitor.send(edit, form | {"seen": seen_of(opened), "account": "acme-two"})
        assert (await served.registry.connection("other")).account == "acme-two"
        shown = await visitor.get("/connections/other")
        assert shown.says(by_hand)
        assert not shown.says(told)
        opened = await visitor.get(edit)
        assert 'value="acme-two"' in opened.text
        await visitor.send(edit, form | {"seen": seen_of(opened), "account": ""})
        assert (await served.registry.connection("other")).account == "acme.api-us1.com"
        assert (await visitor.send("/connections/other/check", seen="/connections/other")).says(told)

    with_page(scenario)
