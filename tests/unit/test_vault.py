"""API keys are sealed for one connection, opened by any of our keys, and never shown."""

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from wire.vault import Misplaced, SecretError, UnreadableSecret, Vault


def _key() -> SecretStr:
    return SecretStr(Fernet.generate_key().decode())


OLD, NEW = _key(), _key()


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_what_is_sealed_is_opened_again(api_key: str) -> None:
    """And stands nowhere in the token."""
    vault = Vault([NEW])
    token = vault.seal("c1", SecretStr(api_key))
    assert vault.open("c1", token).get_secret_value() == api_key
    assert len(api_key) < 6 or api_key.encode() not in token


def test_a_token_moved_to_another_connection_is_refused() -> None:
    """Whoever can write to the store cannot point our requests at somebody else's account."""
    vault = Vault([NEW])
    token = vault.seal("c1", SecretStr("key"))
    with pytest.raises(Misplaced):
        vault.open("c2", token)


def test_a_key_whose_connection_is_a_prefix_is_told_apart() -> None:
    """The id ends at the line's end, not where another id does."""
    vault = Vault([NEW])
    with pytest.raises(Misplaced):
        vault.open("c", vault.seal("c1", SecretStr("key")))


def test_an_older_key_opens_until_it_is_dropped() -> None:
    """Rotation: first both keys, then every token again, then the new key alone."""
    token = Vault([OLD]).seal("c1", SecretStr("key"))
    both = Vault([NEW, OLD])
    assert both.open("c1", token).get_secret_value() == "key"
    with pytest.raises(UnreadableSecret):
        Vault([NEW]).open("c1", token)
    assert Vault([NEW]).open("c1", both.rotate(token)).get_secret_value() == "key"


@pytest.mark.parametrize("token", [b"", b"nonsense", b"bm8ga2V5IG9mIG91cnMsIGJ1dCBiYXNlNjQgYWxsIHRoZSBzYW1lLg=="])
def test_a_damaged_token_is_an_error_of_ours(token: bytes) -> None:
    """Opened or rotated."""
    with pytest.raises(UnreadableSecret):
        Vault([NEW]).open("c1", token)
    with pytest.raises(UnreadableSecret):
        Vault([NEW]).rotate(token)


def test_nothing_shows_a_key() -> None:
    """Neither the vault, nor what it opens, nor an error's text."""
    vault = Vault([NEW])
    opened = vault.open("c1", vault.seal("c1", SecretStr("canary")))
    shown = repr(vault) + repr(opened) + str(opened)
    try:
        vault.open("c2", vault.seal("c1", SecretStr("canary")))
    except SecretError as error:
        shown += repr(error) + repr(error.__context__)
    assert "canary" not in shown
    assert NEW.get_secret_value() not in shown
