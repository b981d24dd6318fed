"""Notification channels with changes kept in memory above the store, so that a change can be previewed."""

from producer.audit.entry import SYSTEM, Author
from producer.notifications.channel import Channel
from producer.notifications.channels import Channels
from producer.registry.store import NameTaken, Unregistered


class ChannelsOverlay(Channels):
    """Notification channels for one rehearsal."""

    def __init__(self, real: Channels) -> None:
        super().__init__(real._store)  # noqa: SLF001  it stands in for that one
        self._real = real
        self._copy: dict[str, Channel] | None = None

    async def _standing(self) -> dict[str, Channel]:
        if self._copy is None:
            self._copy = {one.id: one for one in await self._real.all()}
        return self._copy

    async def all(self) -> list[Channel]:
        """Read all channels by name."""
        return sorted((await self._standing()).values(), key=lambda one: one.name)

    async def named(self, name: str) -> Channel:
        """Read a channel by its name; Unregistered if there is none."""
        found = next((one for one in await self.all() if one.name == name), None)
        if found is None:
            raise Unregistered(f"there is no notification channel {name!r}")
        return found

    async def save(
        self,
        channel: Channel,
        *,
        secret: bytes | None,  # noqa: ARG002  nobody reads it in a rehearsal
        replaces: Channel | None = None,  # noqa: ARG002  nobody else changes anything meanwhile
        by: Author = SYSTEM,  # noqa: ARG002  a rehearsal is nothing to be told of
    ) -> None:
        """Keep a channel for the rehearsal."""
        standing = await self._standing()
        if any(one.name == channel.name and one.id != channel.id for one in standing.values()):
            raise NameTaken(f"there is a notification channel {channel.name!r} already")
        standing[channel.id] = channel

    async def delete(self, name: str, *, by: Author = SYSTEM) -> None:  # noqa: ARG002  as save
        """Leave a channel out of the rehearsal."""
        gone = await self.named(name)
        (await self._standing()).pop(gone.id)
