"""Keeps notification channels in the record: whom is told of what, by webhook or e-mail; it sends nothing.

Changes and errors are as in `producer.registry.store`, whose exceptions are raised here, too.
"""

from typing import Any
from urllib.parse import urlsplit

from producer.audit.entry import SYSTEM, Author, audit_text, author_as_text, differences
from producer.notifications.channel import Channel
from producer.registry.store import ChangedMeanwhile, NameTaken, Unregistered
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store


class Channels:
    """Reads and writes channels; a change is one script, on disk when its method returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Channel]:
        """Read all channels by name."""
        ids = await self._store.hash(key("channels"))
        found = await self._store.hashes([key("channel", of.decode()) for _, of in sorted(ids.items())])
        return [Channel.from_document(codec.decode(one["document"])) for one in found if one]

    async def named(self, name: str) -> Channel:
        """Read a channel by its name; Unregistered."""
        found = (await self._store.hash(key("channels"))).get(name)
        fields = {} if found is None else await self._store.hash(key("channel", found.decode()))
        if not fields:
            raise Unregistered(f"there is no notification channel {name!r}")
        return Channel.from_document(codec.decode(fields["document"]))

    async def secret(self, channel_id: str) -> bytes | None:
        """Read a channel's sealed secret; None if it has none, or is gone."""
        return (await self._store.hash(key("channel", channel_id))).get("secret")

    async def save(
        self, channel: Channel, *, secret: bytes | None, replaces: Channel | None = None, by: Author = SYSTEM
    ) -> None:
        """Keep a new channel, or one in the place of another; without a secret the old one stays."""
        was = _text(replaces) if replaces else ""
        changes = differences(_shown(replaces) if replaces else {}, _shown(channel))
        facts = _unseen(replaces, channel, secret) if replaces else {"secret": "set"} if secret else None
        said = author_as_text(by, changes=changes, facts=facts)
        word = await self._store.keep(
            "save_channel", channel.id, channel.name, _text(channel), secret or b"", was, said
        )
        if word == b"taken":
            raise NameTaken(f"there is a notification channel {channel.name!r} already")
        if word != b"saved":
            raise ChangedMeanwhile(f"notification channel {channel.name!r} was changed meanwhile")

    async def delete(self, name: str, *, by: Author = SYSTEM) -> None:
        """Delete a channel with its secret and its messages; Unregistered."""
        if await self._store.keep("delete_channel", name, author_as_text(by)) is None:
            raise Unregistered(f"there is no notification channel {name!r}")

    async def reseal(self, channel_id: str, before: bytes, after: bytes, *, by: Author = SYSTEM) -> bool:
        """Put a secret, sealed anew, in the place of itself; False if somebody was quicker."""
        return bool(await self._store.keep("reseal_channel", channel_id, before, after, author_as_text(by)) == b"saved")


def _shown(channel: Channel) -> dict[str, Any]:
    """Return what the trail tells of a channel: of a URL its host alone, since its path may be a secret, and no address."""
    document = audit_text(channel.document())
    url = document.pop("url")
    host = None if url is None else urlsplit(url).netloc
    return document | {"host": host, "addresses": len(channel.addresses)}


def _unseen(before: Channel, after: Channel, secret: bytes | None) -> dict[str, Any]:
    """Say of what the trail may not hold whether it is another."""
    return {
        "secret_changed": secret is not None,
        "url_changed": after.url != before.url,
        "addresses_changed": after.addresses != before.addresses,
    }


def _text(channel: Channel) -> str:
    return codec.canonical(channel.document()).decode()
