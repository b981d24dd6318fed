"""What an ID token must be to be believed, what a claim means, and what an operator may set; all of it without a provider."""

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from pydantic import SecretStr

from producer.access.openid.config import ROLES_OF_PEOPLE, OpenIdConfig, roles_from
from producer.access.openid.errors import NoRole, Untrusted
from producer.access.openid.id_token import LEEWAY_SECONDS, keys_from, verified_claims
from producer.access.openid.roles import NAME_CHARACTERS_MAX, Person, claim, identify_person, values
from producer.access.token import Role

NOW: Final = 1_795_000_000
SECRET: Final = "a-secret-of-the-client-that-is-long-enough"
TERMS: Final = OpenIdConfig(
    issuer="https://login.example.com/realm",
    client_id="export",
    client_secret=SecretStr(SECRET),
    roles_claim="groups",
    roles={"a": Role.ADMIN, "c": Role.CONTRIBUTOR, "v": Role.VIEWER},
    name_claim="preferred_username",
    scopes=("openid",),
    public_url="https://export.example.com",
)
KEY: Final = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
STRANGER: Final = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
CURVE: Final = ECKey.generate_key("P-256", {"kid": "two", "alg": "ES256", "use": "sig"})
KEYS: Final = keys_from({"keys": [KEY.as_dict(private=False), CURVE.as_dict(private=False)]})
CLAIMS: Final[dict[str, Any]] = {
    "iss": TERMS.issuer,
    "aud": "export",
    "sub": "248289761001",
    "nonce": "n-0S6",
    "iat": NOW,
    "exp": NOW + 300,
}


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", **header: Any) -> str:
    """Sign claims."""
    return jwt.encode({"alg": algorithm, "kid": "one"} | header, claims, key, algorithms=[algorithm])


def judge(token: str, keys: KeySet = KEYS, now: int = NOW) -> Any:
    """Judge a token for the login that `CLAIMS` is of."""
    return verified_claims(token, keys, TERMS, nonce="n-0S6", now=now)


def without(name: str) -> dict[str, Any]:
    """All claims but one."""
    return {each: CLAIMS[each] for each in CLAIMS if each != name}


def test_a_good_token_is_believed_whichever_of_the_keys_signed_it() -> None:
    """Also with the audience as a list, and with the party named."""
    assert judge(signed(CLAIMS))["sub"] == "248289761001"
    assert judge(signed(CLAIMS, CURVE, "ES256", kid="two"))["sub"] == "248289761001"
    assert judge(signed(CLAIMS | {"aud": ["export"]}))
    assert judge(signed(CLAIMS | {"aud": ["export", "other"], "azp": "export"}))


def test_a_token_that_names_no_key_is_believed_if_there_is_but_one() -> None:
    """As the standard allows a provider with a single key."""
    nameless = {name: value for name, value in KEY.as_dict(private=False).items() if name != "kid"}
    token = jwt.encode({"alg": "RS256"}, CLAIMS, KEY, algorithms=["RS256"])
    assert judge(token, keys_from({"keys": [nameless]}))
    assert judge(token, keys_from({"keys": [KEY.as_dict(private=False)]}))
    with pytest.raises(Untrusted):
        judge(token, keys_from({"keys": [STRANGER.as_dict(private=False)]}))


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_a_token_that_leaves_something_out_is_not_believed(name: str) -> None:
    """Every one of the claims is needed."""
    with pytest.raises(Untrusted, match=name):
        judge(signed(without(name)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iss", "https://login.example.com"),
        ("iss", "https://login.example.com/realm/"),
        ("iss", ["https://login.example.com/realm"]),
        ("aud", "other"),
        ("aud", ["other"]),
        ("aud", []),
        ("azp", "other"),
        ("azp", ["export"]),
        ("sub", ""),
        ("sub", 7),
        ("nonce", "other"),
        ("nonce", ""),
        ("exp", NOW - LEEWAY_SECONDS),
        ("exp", "never"),
        ("iat", NOW + LEEWAY_SECONDS + 1),
        ("nbf", NOW + LEEWAY_SECONDS + 1),
    ],
)
def test_a_token_for_another_login_is_not_believed(name: str, value: Any) -> None:
    """Of another issuer, for another client, about nobody, of another time."""
    with pytest.raises(Untrusted, match=name):
        judge(signed(CLAIMS | {name: value}))


def test_a_token_for_several_clients_must_say_whose_it_is() -> None:
    """Otherwise another one of them could pass on what it was given."""
    with pytest.raises(Untrusted, match="azp"):
        judge(signed(CLAIMS | {"aud": ["export", "other"]}))


def test_clocks_may_differ_by_a_minute() -> None:
    """And no more."""
    late = CLAIMS["exp"] + LEEWAY_SECONDS
    assert judge(signed(CLAIMS), now=late - 1)
    with pytest.raises(Untrusted, match="exp"):
        judge(signed(CLAIMS), now=late)


def test_only_the_providers_own_signature_counts() -> None:
    """Not a stranger's under the same name, not the client's secret, not none, not one over other claims."""
    head, body, sign = signed(CLAIMS).split(".")
    other = urlsafe_b64encode(json.dumps(CLAIMS | {"sub": "other"}).encode()).decode().rstrip("=")
    plain = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    shared = signed(CLAIMS, OctKey.import_key(SECRET), "HS256")
    mark = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "one"}).encode()).decode().rstrip("=")
    made = hmac.new(KEY.as_pem(private=False), f"{mark}.{body}".encode(), "sha256").digest()
    public = f"{mark}.{body}.{urlsafe_b64encode(made).decode().rstrip('=')}"
    forged = [
        signed(CLAIMS, STRANGER),
        signed(CLAIMS, kid="three"),
        shared,
        public,
        f"{plain}.{body}.",
        f"{head}.{body}.",
        f"{head}.{other}.{sign}",
        f"{head}.{body}",
        "",
        "a.b.c",
        "\udcff",
    ]
    for token in forged:
        with pytest.raises(Untrusted):
            judge(token)


def test_keys_of_other_kinds_are_passed_over() -> None:
    """For encryption, of a kind that nobody knows yet, and broken ones; of no use is only what is no set of keys."""
    good = KEY.as_dict(private=False)
    strange = [good | {"use": "enc", "kid": "three"}, {"kty": "future"}, {"kty": "RSA"}, "nonsense", {}]
    assert judge(signed(CLAIMS), keys_from({"keys": [*strange, good]}))
    nothing: tuple[Any, ...] = (None, [], {}, {"keys": "none"})
    for document in nothing:
        with pytest.raises(Untrusted):
            keys_from(document)
    with pytest.raises(Untrusted):
        judge(signed(CLAIMS), keys_from({"keys": []}))


@given(st.lists(st.sampled_from([*"acvxyz"])))
def test_of_several_roles_the_one_that_may_most_counts(said: list[str]) -> None:
    """And values that stand for nothing change nothing."""
    expected = next((TERMS.roles[value] for value in "acv" if value in said), None)
    claims = {"sub": "1", "groups": said}
    if expected is None:
        with pytest.raises(NoRole):
            identify_person(claims, TERMS)
    else:
        assert identify_person(claims, TERMS).role is expected


@pytest.mark.parametrize("said", [None, 7, {"a": True}, [["a"]], [None, 1], "ac", ["A"], ""])
def test_a_claim_that_says_nothing_gives_no_role(said: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises(NoRole):
        identify_person({"sub": "1", "groups": said}, TERMS)


def test_a_claim_is_found_by_its_name_first_and_then_by_its_path() -> None:
    """Names may be URLs, dots and all."""
    claims = {"https://a.example/roles": ["a"], "realm": {"roles": "c"}, "x": 1}
    assert claim(claims, "https://a.example/roles") == ["a"]
    assert values(claim(claims, "realm.roles")) == ["c"]
    assert claim(claims, "realm.other") is None
    assert claim(claims, "x.y") is None


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "ann"}, "openid:ann"),
        ({"preferred_username": "admin"}, "openid:admin"),
        ({"preferred_username": "  a\nn\x00n\u202e "}, "openid:ann"),
        ({"preferred_username": ""}, "openid:248"),
        ({"preferred_username": 7}, "openid:248"),
        ({}, "openid:248"),
        ({"preferred_username": "n" * 1000}, "openid:" + "n" * NAME_CHARACTERS_MAX),
    ],
)
def test_a_person_has_a_name_that_no_token_can_have(claims: dict[str, Any], name: str) -> None:
    """Of printable letters, and never empty."""
    assert identify_person(claims | {"sub": "248", "groups": "v"}, TERMS) == Person(name, Role.VIEWER)


def test_roles_are_read_from_pairs() -> None:
    """A value may hold an equals sign, as a distinguished name does."""
    assert roles_from("a=admin, cn=x=viewer,") == {"a": Role.ADMIN, "cn=x": Role.VIEWER}
    assert set(ROLES_OF_PEOPLE) == set(Role) - {Role.PUBLISHER}


@pytest.mark.parametrize("text", ["", "a", "=admin", "a=", "a=root", "a=publisher", "a=admin,a=viewer", ","])
def test_roles_that_cannot_be_meant_are_refused(text: str) -> None:
    """A mistake here would let in too many, or nobody."""
    with pytest.raises(ValueError, match=r"must|gives|names"):
        roles_from(text)
