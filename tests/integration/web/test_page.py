"""The page's door: sessions, forms from elsewhere, headers, languages, errors; over a real store, without a browser."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from deploy.local.valkey import Valkey
from producer.access.token import Role
from producer.app import SCRIPT_ROOMS
from producer.web.routes import PAGE_ROUTES
from tests.integration.serving import TOKEN, Served, connection, serving
from tests.integration.visiting import HTML, Visitor, somebody
from wire.store.redis import Store, connect, load_scripts

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
WithPage = Callable[[Callable[[Served], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def with_page(with_store: WithStore) -> WithPage:
    """Run a scenario at a served page over an empty store."""

    def run(scenario: Callable[[Served], Coroutine[Any, Any, None]]) -> None:
        async def served(store: Store) -> None:
            async with serving(store) as api:
                await scenario(api)

        with_store(served)

    return run


@pytest.mark.parametrize("path", ["/", "/exports", "/nowhere", "/connections?lost=1"])
def test_a_browser_without_a_session_is_sent_to_the_login_and_back_again(with_page: WithPage, path: str) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        sent = await visitor.get(path)
        assert sent.status == 303
        assert sent.location.startswith("/login?next=")
        form = await visitor.get(sent.location)
        wanted = path.replace("&", "&amp;")
        assert f'name="next" value="{wanted}"' in form.text
        entered = await visitor.ask("POST", "/login", {"proof": form.proof, "next": path, "token": TOKEN})
        assert (entered.status, entered.location) == (303, path)

    with_page(scenario)


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb"])
def test_nobody_is_sent_elsewhere_after_the_login(with_page: WithPage, wanted: str) -> None:
    async def scenario(served: Served) -> None:
        entered = await Visitor(served).send("/login", {"token": TOKEN, "next": wanted})
        assert (entered.status, entered.location) == (303, "/")

    with_page(scenario)


def test_a_session_ends_with_the_token_that_it_began_with(with_page: WithPage) -> None:
    """Revoked, and issued again under the same name: the session is nobody's."""

    async def scenario(served: Served) -> None:
        visitor = await somebody(served, Role.VIEWER)
        assert (await visitor.get("/exports")).status == 200
        await served.ask("DELETE", "/v1/tokens/viewer-en")
        await served.ask("POST", "/v1/tokens", {"name": "viewer-en", "role": "viewer"})
        gone = await visitor.get("/exports")
        assert (gone.status, gone.location) == (303, "/login?next=%2Fexports&ended=1")
        assert (await visitor.get(gone.location)).says("Your session is over.")

    with_page(scenario)


def test_a_session_of_the_settings_token_ends_when_that_changes(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        async with serving(store) as served:
            visitor = Visitor(served)
            await visitor.sign_in()
            assert (await visitor.get("/exports")).status == 200
        async with serving(store, admin_token="another-admin-token") as served:
            later = Visitor(served, cookies=visitor.cookies)
            assert (await later.get("/exports")).status == 303

    with_store(scenario)


def test_signing_out_ends_the_session_wherever_its_cookie_is(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        await visitor.sign_in()
        copied = dict(visitor.cookies)
        assert (await visitor.send("/logout", seen="/exports")).location == "/login"
        assert visitor.cookies == {}
        assert (await Visitor(served, cookies=copied).get("/exports")).status == 303

    with_page(scenario)


def test_neither_token_nor_cookie_is_stored(with_store: WithStore) -> None:
    async def scenario(store: Store) -> None:
        async with serving(store) as served:
            visitor = Visitor(served)
            await visitor.sign_in()
            (cookie,) = visitor.cookies.values()
        keys = [key async for key in store._redis.scan_iter("segment-export:session:*")]
        assert len(keys) == 1
        kept = keys[0] + await store._redis.get(keys[0])
        assert cookie.encode() not in kept
        assert TOKEN.encode() not in kept
        assert 0 < await store._redis.pttl(keys[0]) <= 12 * 60 * 60 * 1000

    with_store(scenario)


def test_a_wrong_token_is_told_beside_the_field_and_opens_nothing(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        for token in ("sgx-no-token", "x" * 5_000, ""):
            visitor = Visitor(served)
            refused = await visitor.send("/login", {"token": token})
            assert refused.status == 422
            assert 'id="token-fault"' in refused.text
            assert "segment_export_session" not in visitor.cookies
            assert not token or token not in refused.text

    with_page(scenario)


def test_guessing_at_the_login_form_waits_as_guessing_at_the_api_does(with_store: WithStore) -> None:
    """One count for both doors: five failures are free, whichever door they were at."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def scenario(store: Store) -> None:
        async with serving(store, waits=wait) as served:
            for _ in range(3):
                await served.ask("GET", "/v1/exports", headers={"Authorization": "Bearer wrong"})
            for _ in range(4):
                await Visitor(served).send("/login", {"token": "wrong"})

    with_store(scenario)
    assert waited == [0.1, 0.2]


def test_a_publishers_token_opens_no_page(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        _, issued = await served.ask("POST", "/v1/tokens", {"name": "cdp", "role": "publisher"})
        refused = await Visitor(served).send("/login", {"token": issued["token"]})
        assert refused.status == 403
        assert refused.says("This token is for publishing refreshes.")

    with_page(scenario)


def test_a_form_without_its_proof_does_nothing(with_page: WithPage) -> None:
    """None, a made-up one, another browser's; and a body that no form sends."""

    async def scenario(served: Served) -> None:
        mine, other = Visitor(served), Visitor(served)
        await mine.sign_in()
        await other.sign_in()
        foreign = (await other.get("/exports")).proof
        for proof in ("", "0" * 64, foreign, "\u00e4"):
            refused = await mine.ask("POST", "/logout", {"proof": proof})
            assert refused.status == 403
            assert refused.says("The form was not sent from this page")
        assert (await mine.get("/exports")).status == 200
        login = await Visitor(served).ask("POST", "/login", {"token": TOKEN, "proof": "0" * 64})
        assert login.status == 403

    with_page(scenario)


def test_cookies_never_open_the_api_nor_tokens_the_page(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        await visitor.sign_in()
        assert (await visitor.get("/v1/exports")).status == 401
        assert (await Visitor(served).get("/exports", Authorization=f"Bearer {TOKEN}")).status == 303

    with_page(scenario)


def test_every_answer_of_the_page_has_its_headers(with_page: WithPage) -> None:
    """Redirects, errors and files too; the API's answers do not change."""

    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        paths = ["/", "/login", "/nowhere"]
        await visitor.get("/login")
        answers = [await visitor.get(path) for path in paths]
        await visitor.sign_in()
        answers += [await visitor.get(path) for path in ("/exports", "/nowhere")]
        style = (await visitor.get("/login?")).headers
        for found in answers:
            policy = found.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none';")
            assert "unsafe" not in policy
            assert found.headers["X-Content-Type-Options"] == "nosniff"
            assert found.headers["Cache-Control"] == "no-store"
        assert style
        _, plain = await served.ask("GET", "/openapi.json")
        assert plain["openapi"]

    with_page(scenario)


def test_no_page_holds_a_script_or_a_style_of_its_own(with_page: WithPage) -> None:
    """The policy would keep it from working."""

    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        await visitor.sign_in()
        for leaf in PAGE_ROUTES:
            if leaf.method == "GET" and "{" not in leaf.path and leaf.path != "/":
                text = (await visitor.get(leaf.path)).text
                assert " style=" not in text
                assert "<style" not in text
                assert " onclick=" not in text
                assert text.count("<script") <= 1

    with_page(scenario)


@pytest.mark.parametrize(
    ("host", "headers", "is_secure"),
    [
        ("127.0.0.1:8080", {}, False),
        ("localhost", {}, False),
        ("[::1]:8080", {}, False),
        ("localhost", {"X-Forwarded-Proto": "https"}, True),
        ("export.example.org", {}, True),
        ("127.0.0.1.evil.example", {}, True),
    ],
)
def test_cookies_are_secure_everywhere_but_on_this_machine(
    with_page: WithPage, host: str, headers: dict[str, str], *, is_secure: bool
) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served)
        form = await visitor.get("/login", Host=host, **headers)
        (cookie,) = visitor.set_cookies
        assert ("Secure" in cookie) == is_secure
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert form.says("plain http") == (is_secure and not headers)

    with_page(scenario)


def test_the_page_speaks_the_browsers_language_and_the_one_that_was_chosen(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served, "de-AT,de;q=0.9,en;q=0.8")
        german = await visitor.get("/login")
        assert '<html lang="de">' in german.text
        assert german.says("Anmelden")
        switched = await visitor.get("/login?next=%2Fexports&lang=en")
        assert (switched.status, switched.location) == (303, "/login?next=/exports")
        assert (await visitor.get("/login")).says("Sign in")
        assert '<html lang="en">' in (await Visitor(served, "fr,es;q=0.5").get("/login")).text
        assert '<html lang="en">' in (await Visitor(served, "de;q=0, *").get("/login")).text

    with_page(scenario)


def test_switching_the_language_leads_nowhere_else(with_page: WithPage) -> None:
    """An address that begins with two slashes would be another host's."""

    async def scenario(served: Served) -> None:
        address = URL(f"http://127.0.0.1:{served.client.port}//evil.example/?lang=de", encoded=True)
        async with ClientSession() as session, session.get(address, headers=HTML, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/"

    with_page(scenario)


def test_the_language_can_be_switched_wherever_a_form_was_answered(with_page: WithPage) -> None:
    """Where nothing stands but an answer to a form, the switch leads to what the form was of."""

    async def scenario(served: Served) -> None:
        await served.registry.save_connection(connection(), secret=b"sealed")
        visitor = Visitor(served)
        await visitor.sign_in()
        checked = await visitor.send("/connections/main/check", seen="/connections/main")
        assert 'href="/connections/main?lang=de"' in checked.text
        assert (await visitor.get("/connections/main?lang=de")).location == "/connections/main"

    with_page(scenario)


def test_errors_are_pages_that_say_how_to_go_on(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        visitor = Visitor(served, "de")
        await visitor.sign_in()
        missing = await visitor.get("/nowhere")
        assert missing.status == 404
        assert missing.says("Hier ist nichts")
        assert missing.says("Unter dieser Adresse gibt es nichts.")

    with_page(scenario)


def test_while_the_store_does_not_answer_the_page_says_so(server: Valkey) -> None:
    """In the reader's language, and nothing is promised."""

    async def scenario() -> None:
        store = Store(connect(server.url()), scripts=load_scripts(*SCRIPT_ROOMS))
        async with serving(store) as served:
            visitor = Visitor(served, "de")
            await visitor.sign_in()
            server.kill()
            answer = await visitor.get("/exports")
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "5"
            assert answer.says("Der Speicher kann gerade nichts behalten; es wurde nichts zugesagt.")
        await store.close()

    asyncio.run(scenario())


def test_programs_still_get_problem_documents(with_page: WithPage) -> None:
    async def scenario(served: Served) -> None:
        for path in ("/v1/nowhere", "/nowhere"):
            status, document = await served.ask("GET", path)
            assert (status, document["title"]) == (404, "Not Found")

    with_page(scenario)
