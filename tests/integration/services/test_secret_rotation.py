"""SECRET_KEYS are rotated while everything runs: every key is opened before, during and after."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from producer.registry.store import Registry
from tests.integration import serving as serving_
from tests.integration.serving import API_KEY, connection, serving
from wire.store.redis import Store
from wire.vault import UnreadableSecret, Vault

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]

OLD, NEW = (SecretStr(Fernet.generate_key().decode()) for _ in range(2))
PATH = "/v1/secrets/rotate"


@pytest.fixture
def both_keys(monkeypatch: pytest.MonkeyPatch) -> Vault:
    """The vault of the API: the new key first, the old one still there."""
    vault = Vault([NEW, OLD])
    monkeypatch.setattr(serving_, "VAULT", vault)
    return vault


async def _kept(registry: Registry, *names: str, vault: Vault) -> None:
    for name in names:
        made = connection(name)
        await registry.save_connection(made, secret=vault.seal(made.id, SecretStr(API_KEY)))


def test_rotation_seals_every_key_with_the_first_and_may_be_repeated(with_store: WithStore, both_keys: Vault) -> None:
    """It says how many; after it the old key may go."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _kept(api.registry, "a", "b", vault=Vault([OLD]))
            await _kept(api.registry, "c", vault=Vault([NEW]))
            assert await api.ask("POST", PATH) == (
                200,
                {"connections": 3, "notifications": 0, "rotated": 2, "unreadable": []},
            )
            for name in "abc":
                sealed = await api.registry.secret(f"id-{name}")
                assert Vault([NEW]).open(f"id-{name}", sealed).get_secret_value() == API_KEY
                with pytest.raises(UnreadableSecret):
                    Vault([OLD]).open(f"id-{name}", sealed)
            assert await api.ask("POST", PATH, {}) == (
                200,
                {"connections": 3, "notifications": 0, "rotated": 0, "unreadable": []},
            )

    with_store(scenario)


def test_a_key_that_cannot_be_opened_is_named_and_the_others_are_rotated(
    with_store: WithStore, both_keys: Vault
) -> None:
    """One that was sealed with a key that is gone, and one that somebody moved from another connection."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _kept(api.registry, "good", vault=Vault([OLD]))
            await _kept(api.registry, "lost", vault=Vault([SecretStr(Fernet.generate_key().decode())]))
            moved = await api.registry.secret("id-good")
            await api.registry.save_connection(connection("moved"), secret=moved)
            expected = {"connections": 3, "notifications": 0, "rotated": 1, "unreadable": ["lost", "moved"]}
            assert await api.ask("POST", PATH) == (200, expected)
            assert await api.registry.secret("id-moved") == moved

    with_store(scenario)


def test_a_key_that_is_entered_anew_meanwhile_is_not_overwritten(
    with_store: WithStore, both_keys: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rotation of the old one is dropped, and the new one looked at again."""

    async def scenario(store: Store) -> None:
        async with serving(store) as api:
            await _kept(api.registry, "a", vault=Vault([OLD]))
            entered = Vault([NEW]).seal("id-a", SecretStr("another"))
            rotate = both_keys.rotate
            saved: list[Coroutine[Any, Any, None]] = []

            def meanwhile(token: bytes) -> bytes:
                made = connection("a")
                saved.append(api.registry.save_connection(made, secret=entered, replaces=made))
                return rotate(token)

            reseal = api.registry.reseal

            async def after_the_other(*words: Any, **said: Any) -> bool:
                await saved.pop()
                return await reseal(*words, **said)

            monkeypatch.setattr(both_keys, "rotate", meanwhile)
            monkeypatch.setattr(api.registry, "reseal", after_the_other)
            assert await api.ask("POST", PATH) == (
                200,
                {"connections": 1, "notifications": 0, "rotated": 0, "unreadable": []},
            )
            assert await api.registry.secret("id-a") == entered

    with_store(scenario)
