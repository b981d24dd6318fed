"""Coming to the page by OpenID Connect, as a browser without scripts does, at a certified provider."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import pytest

from producer.access.openid.login import Login
from producer.access.openid.provider import Provider
from tests.integration import openid
from tests.integration.access.test_openid import PUBLIC_URL, changed, terms
from tests.integration.openid import Browser, Running
from tests.integration.serving import TOKEN, VAULT, Served, serving
from tests.integration.visiting import Answer, Visitor
from wire.http.session import open_session
from wire.store.redis import Store

pytestmark = pytest.mark.needs("node", "npm")

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

NOBODY_LISTENS: Final = "http://127.0.0.1:9"
TEN_MINUTES_MS: Final = 600_000


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A provider for the whole file."""
    with openid.provider(tmp_path_factory.mktemp("provider"), PUBLIC_URL) as running:
        yield running


class Clock:
    """The time of this machine, and a little later if a test says so."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        """Say what time it is."""
        return time.time_ns() // 1_000_000 + self.ahead_ms


@asynccontextmanager
async def served_with(store: Store, issuer: str, clock: Clock | None = None) -> AsyncIterator[Served]:
    """Serve the page with a provider."""
    trusted = frozenset({urlsplit(issuer).netloc})
    said = terms(issuer)
    async with open_session(trusted) as session:
        login = Login(Provider(session, said, trusted), VAULT, said)
        async with serving(store, openid=login, clock_ms=clock or Clock()) as served:
            yield served


async def away(visitor: Visitor, path: str = "/exports") -> str:
    """Begin to sign in; return where the browser is sent."""
    form = await visitor.get((await visitor.get(path)).location)
    assert form.says("Sign in at 127.0.0.1")
    sent = await visitor.get(f"/login/openid?{urlencode({'next': path})}")
    assert sent.status == 303, sent.text
    return sent.location


async def come_back(visitor: Visitor, back: dict[str, str]) -> Answer:
    """Come back from the provider."""
    return await visitor.get(f"/login/openid/back?{urlencode(back)}")


async def sign_in(visitor: Visitor, name: str, path: str = "/exports") -> Answer:
    """Sign in as somebody of the provider's."""
    back = await asyncio.to_thread(Browser().log_in, await away(visitor, path), name)
    return await come_back(visitor, back)


def test_somebody_signs_in_at_their_provider_and_is_where_they_wanted_to_be(
    with_store: WithStore, provider: Running
) -> None:
    """With their role and under their name; signed out here, they are shown the way to do so there, too."""

    async def scenario(store: Store) -> None:
        async with served_with(store, provider.issuer) as served:
            visitor = Visitor(served)
            arrived = await sign_in(visitor, "bob", "/exports?lost=1")
            assert (arrived.status, arrived.location) == (303, "/exports?lost=1")
            assert set(visitor.cookies) == {"segment_export_session"}
            page = await visitor.get("/exports")
            assert page.says("openid:bob contributor")
            left = await visitor.send("/logout", seen="/exports")
            assert left.location == "/login?left=1"
            assert (await visitor.get(left.location)).says("At 127.0.0.1 you may still be signed in.")
            assert (await visitor.get("/login/openid/goodbye")).location.startswith(f"{provider.issuer}/session/end?")
            assert (await visitor.get("/exports")).status == 303

    with_store(scenario)


def test_the_note_of_a_login_is_kept_from_scripts_and_for_the_way_back_only(
    with_store: WithStore, provider: Running
) -> None:
    """And says nothing to whoever reads it."""

    async def scenario(store: Store) -> None:
        async with served_with(store, provider.issuer) as served:
            visitor = Visitor(served)
            sent = await away(visitor)
            (cookie,) = visitor.set_cookies
            assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/login/openid"))
            state = sent.partition("state=")[2].partition("&")[0]
            assert state
            assert state not in cookie

    with_store(scenario)


def test_whoever_is_not_let_in_is_told_why_and_can_still_show_a_token(with_store: WithStore, provider: Running) -> None:
    """No role, another state, another nonce, another browser, too late, declined: a sentence each, and no session."""

    async def scenario(store: Store) -> None:
        clock = Clock()
        async with served_with(store, provider.issuer, clock) as served:
            visitor = Visitor(served)

            async def refused(back: dict[str, str], sentence: str, status: int) -> None:
                answer = await come_back(visitor, back)
                assert (answer.status, answer.says(sentence)) == (status, True), answer.text
                assert "segment_export_session" not in visitor.cookies
                assert "segment_export_login" not in visitor.cookies

            no_role = await asyncio.to_thread(Browser().log_in, await away(visitor), "eve")
            await refused(no_role, "127.0.0.1 knows you, but you have no role here.", 403)

            back = await asyncio.to_thread(Browser().log_in, await away(visitor), "ann")
            await refused(back | {"state": "other"}, "or in another browser. Begin again.", 400)

            other = changed(await away(visitor), nonce="other")
            back = await asyncio.to_thread(Browser().log_in, other, "ann")
            await refused(back, "The answer of 127.0.0.1 cannot be believed.", 403)

            back = await asyncio.to_thread(Browser().log_in, await away(Visitor(served)), "ann")
            await refused(back, "or in another browser. Begin again.", 400)

            back = await asyncio.to_thread(Browser().log_in, await away(visitor), "ann")
            clock.ahead_ms = TEN_MINUTES_MS + 60_000
            await refused(back, "This sign-in was begun too long ago", 400)
            clock.ahead_ms = 0

            back = await asyncio.to_thread(Browser().decline, await away(visitor))
            await refused(back, "127.0.0.1 did not sign you in.", 403)

            assert (await visitor.sign_in()).status == 303
            assert (await visitor.get("/exports")).status == 200

    with_store(scenario)


def test_a_provider_that_is_down_is_said_to_be_so_and_a_token_still_works(with_store: WithStore) -> None:
    """In both languages."""

    async def scenario(store: Store) -> None:
        async with served_with(store, NOBODY_LISTENS) as served:
            for language, sentence in (("en", "127.0.0.1 does not answer."), ("de", "127.0.0.1 antwortet nicht.")):
                visitor = Visitor(served, language)
                answer = await visitor.get("/login/openid?next=%2Fexports")
                assert (answer.status, answer.says(sentence)) == (503, True)
                assert (await visitor.get("/login/openid/goodbye")).location == "/login"
                sent = {"proof": answer.proof, "token": TOKEN, "next": "/exports"}
                assert (await visitor.ask("POST", "/login", sent)).location == "/exports"

    with_store(scenario)


def test_nobody_is_sent_elsewhere_after_a_login(with_store: WithStore, provider: Running) -> None:
    """Whatever the link said that they followed."""

    async def scenario(store: Store) -> None:
        async with served_with(store, provider.issuer) as served:
            visitor = Visitor(served)
            sent = await visitor.get(f"/login/openid?{urlencode({'next': 'https://evil.example/'})}")
            back = await asyncio.to_thread(Browser().log_in, sent.location, "ann")
            assert (await come_back(visitor, back)).location == "/"

    with_store(scenario)


def test_without_a_provider_there_is_no_such_way_in(with_store: WithStore) -> None:
    """Nor a button that leads there."""

    async def scenario(store: Store) -> None:
        async with serving(store) as served:
            visitor = Visitor(served)
            assert not (await visitor.get("/login")).says("Sign in at")
            for path in ("/login/openid", "/login/openid/back", "/login/openid/goodbye"):
                assert (await visitor.get(path)).status == 404

    with_store(scenario)
