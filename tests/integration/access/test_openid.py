"""Login by OpenID Connect against a certified provider, in real HTTP: who gets in, who does not, and why."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from producer.access.openid.config import OpenIdConfig, roles_from
from producer.access.openid.errors import Declined, Down, NoRole, Stale, Untrusted
from producer.access.openid.login import BEGUN_SECONDS, Login
from producer.access.openid.provider import Provider
from producer.access.openid.roles import Person
from producer.access.token import Role
from tests.integration import openid
from tests.integration.openid import Browser, Running
from wire.http.session import open_session
from wire.vault import Vault

pytestmark = pytest.mark.needs("node", "npm")

PUBLIC_URL: Final = "http://127.0.0.1:9"
VAULT: Final = Vault([SecretStr(Fernet.generate_key().decode())])

Scenario = Callable[[Login], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A provider for the whole file; a test that gives it new keys disturbs nobody."""
    with openid.provider(tmp_path_factory.mktemp("provider"), PUBLIC_URL) as running:
        yield running


def terms(issuer: str, **changes: Any) -> OpenIdConfig:
    """What an operator sets."""
    said: dict[str, Any] = {
        "issuer": issuer,
        "client_id": openid.CLIENT_ID,
        "client_secret": SecretStr(openid.CLIENT_SECRET),
        "roles_claim": "roles",
        "roles": roles_from(openid.ROLES),
        "name_claim": "preferred_username",
        "scopes": ("openid", "profile"),
        "public_url": PUBLIC_URL,
    }
    return OpenIdConfig(**said | changes)


def at(issuer: str, scenario: Scenario, *, trusting: bool = True, **changes: Any) -> None:
    """Run a scenario with a login at a provider."""

    async def run() -> None:
        trusted = frozenset({urlsplit(issuer).netloc} if trusting else ())
        said = terms(issuer, **changes)
        async with open_session(trusted) as session:
            await scenario(Login(Provider(session, said, trusted), VAULT, said))

    asyncio.run(run())


def now() -> int:
    """The time of this machine, which the provider shares."""
    return time.time_ns() // 1_000_000


async def log_in(login: Login, name: str, *, later_ms: int = 0) -> Person:
    """Log in as somebody would in a browser."""
    begun = await login.begin(now())
    back = await asyncio.to_thread(Browser().log_in, begun.url, name)
    return (await login.finish(begun.note, back, now() + later_ms)).person


def changed(url: str, **parameters: str) -> str:
    """Say something else in a URL."""
    parts = urlsplit(url)
    return parts._replace(query=urlencode(dict(parse_qsl(parts.query)) | parameters)).geturl()


def test_people_get_the_role_that_their_claim_stands_for(provider: Running) -> None:
    """The one that may most, where several are meant; and names that no token can have."""

    async def scenario(login: Login) -> None:
        assert await log_in(login, "ann") == Person("openid:ann", Role.ADMIN)
        assert await log_in(login, "bob") == Person("openid:bob", Role.CONTRIBUTOR)

    at(provider.issuer, scenario)


def test_a_nested_claim_is_found_by_its_path(provider: Running) -> None:
    """As Keycloak has it."""

    async def scenario(login: Login) -> None:
        assert await log_in(login, "kim") == Person("openid:kim", Role.VIEWER)

    at(provider.issuer, scenario, roles_claim="realm_access.roles")


def test_whoever_has_no_role_here_is_not_let_in(provider: Running) -> None:
    """Be it that their claim stands for nothing, or that they have none."""

    async def scenario(login: Login) -> None:
        for name in ("eve", "kim", "somebody"):
            with pytest.raises(NoRole):
                await log_in(login, name)

    at(provider.issuer, scenario)


def test_what_belongs_to_another_login_is_refused(provider: Running) -> None:
    """Another state, another browser's note, one that was tampered with, none, and one that lay around."""

    async def scenario(login: Login) -> None:
        begun, other = await login.begin(now()), await login.begin(now())
        back = await asyncio.to_thread(Browser().log_in, begun.url, "ann")
        for note, query, when in (
            (begun.note, back | {"state": "other"}, now()),
            (begun.note, {name: back[name] for name in back if name != "state"}, now()),
            (begun.note, back | {"state": "\udcff"}, now()),
            (other.note, back, now()),
            (begun.note[:-2] + "==", back, now()),
            ("", back, now()),
            (begun.note, {"state": back["state"]}, now()),
            (begun.note, back, now() + BEGUN_SECONDS * 1000 + 1),
        ):
            with pytest.raises(Stale):
                await login.finish(note, query, when)
        assert (await login.finish(begun.note, back, now())).person.role is Role.ADMIN

    at(provider.issuer, scenario)


def test_a_code_is_good_once_and_with_its_verifier(provider: Running) -> None:
    """Whoever steals a code has no use for it: PKCE."""

    async def scenario(login: Login) -> None:
        begun, other = await login.begin(now()), await login.begin(now())
        stolen = await asyncio.to_thread(Browser().log_in, begun.url, "ann")
        own = dict(parse_qsl(urlsplit(other.url).query))
        with pytest.raises(Declined, match="invalid_grant"):
            await login.finish(other.note, stolen | {"state": own["state"]}, now())
        again = await login.begin(now())
        back = await asyncio.to_thread(Browser().log_in, again.url, "ann")
        await login.finish(again.note, back, now())
        with pytest.raises(Declined, match="invalid_grant"):
            await login.finish(again.note, back, now())

    at(provider.issuer, scenario)


def test_an_id_token_for_another_nonce_is_not_believed(provider: Running) -> None:
    """A token that was got for another login is no use in this one."""

    async def scenario(login: Login) -> None:
        begun = await login.begin(now())
        back = await asyncio.to_thread(Browser().log_in, changed(begun.url, nonce="another"), "ann")
        with pytest.raises(Untrusted, match="nonce"):
            await login.finish(begun.note, back, now())

    at(provider.issuer, scenario)


def test_another_provider_that_answers_is_not_believed(provider: Running) -> None:
    """A mix-up: the answer names its issuer, and this provider says that it always does."""

    async def scenario(login: Login) -> None:
        begun = await login.begin(now())
        back = await asyncio.to_thread(Browser().log_in, begun.url, "ann")
        assert back["iss"] == provider.issuer
        for answer in (back | {"iss": "https://other.example.com"}, {name: back[name] for name in ("code", "state")}):
            with pytest.raises(Untrusted, match="iss"):
                await login.finish(begun.note, answer, now())

    at(provider.issuer, scenario)


def test_who_declines_is_told_so(provider: Running) -> None:
    """At the provider they may turn back."""

    async def scenario(login: Login) -> None:
        begun = await login.begin(now())
        back = await asyncio.to_thread(Browser().decline, begun.url)
        with pytest.raises(Declined, match="access_denied"):
            await login.finish(begun.note, back, now())

    at(provider.issuer, scenario)


def test_new_keys_of_the_provider_are_known_at_once(provider: Running) -> None:
    """Nothing of its keys is remembered."""

    async def scenario(login: Login) -> None:
        await log_in(login, "ann")
        await asyncio.to_thread(provider.rotate)
        assert (await log_in(login, "ann")).role is Role.ADMIN

    at(provider.issuer, scenario)


def test_an_id_token_whose_time_is_over_is_not_believed(tmp_path: Path) -> None:
    """Whatever the clocks differ by, a minute is forgiven and no more."""

    async def scenario(login: Login) -> None:
        assert (await log_in(login, "ann", later_ms=30_000)).role is Role.ADMIN
        with pytest.raises(Untrusted, match="exp"):
            await log_in(login, "ann", later_ms=90_000)

    with openid.provider(tmp_path, PUBLIC_URL, idTokenSeconds=5) as short:
        at(short.issuer, scenario)


def test_claims_that_are_only_told_when_asked_are_asked_for(tmp_path: Path) -> None:
    """Some providers keep their ID tokens short, as the standard says they should."""

    async def scenario(login: Login) -> None:
        assert await log_in(login, "ann") == Person("openid:ann", Role.ADMIN)

    with openid.provider(tmp_path, PUBLIC_URL, shortIdTokens=True) as short:
        at(short.issuer, scenario)


def test_a_provider_that_is_down_or_none_is_said_to_be_so(tmp_path: Path) -> None:
    """At the beginning, and in the middle of a login."""

    async def begin(login: Login) -> None:
        with pytest.raises(Down):
            await login.begin(now())
        assert await login.goodbye("/login") is None

    async def half(login: Login) -> None:
        begun.append(await login.begin(now()))
        backs.append(await asyncio.to_thread(Browser().log_in, begun[0].url, "ann"))

    async def finish(login: Login) -> None:
        with pytest.raises(Down):
            await login.finish(begun[0].note, backs[0], now())

    begun: list[Any] = []
    backs: list[dict[str, str]] = []
    with openid.provider(tmp_path, PUBLIC_URL) as short:
        at(f"{short.issuer}/other", begin)
        at(short.issuer, half)
    at(short.issuer, finish)
    at(short.issuer, begin)


def test_a_provider_that_calls_itself_otherwise_is_not_believed(provider: Running) -> None:
    """A slash more is another issuer, in tokens as in settings."""

    async def scenario(login: Login) -> None:
        with pytest.raises(Untrusted, match="OIDC_ISSUER"):
            await login.begin(now())

    at(f"{provider.issuer}/", scenario)


def test_a_private_provider_is_asked_only_where_an_operator_trusts_it(provider: Running) -> None:
    """As every host."""

    async def scenario(login: Login) -> None:
        with pytest.raises(Down):
            await login.begin(now())

    at(provider.issuer, scenario, trusting=False)


def test_goodbye_leads_to_the_provider_and_back(provider: Running) -> None:
    """Where it has such a place."""

    async def scenario(login: Login) -> None:
        url = await login.goodbye("/login")
        assert url is not None
        query = dict(parse_qsl(urlsplit(url).query))
        assert url.startswith(f"{provider.issuer}/session/end?")
        assert query == {"client_id": openid.CLIENT_ID, "post_logout_redirect_uri": f"{PUBLIC_URL}/login"}

    at(provider.issuer, scenario)
