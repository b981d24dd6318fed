"""A registry in which changes are rehearsed: it reads what stands in the record, and keeps what is saved to itself.

Whoever changes connections and exports over it meets the rules of the record and is told of every fault, and nothing is
changed. Runs are not looked at: that an account may not change under them, the record's own script says.
"""

from dataclasses import dataclass, field, replace

from producer.audit.entry import SYSTEM, Author
from producer.registry.model import Connection, Export
from producer.registry.store import CLOSED, ClosedToContributors, Deleted, NameTaken, Registry, Unregistered


@dataclass
class _Copy:
    """What stands there, as far as it was changed in the rehearsal: by id."""

    connections: dict[str, Connection] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    secrets: dict[str, bytes] = field(default_factory=dict)


class RegistryOverlay(Registry):
    """A registry for one rehearsal."""

    def __init__(self, real: Registry) -> None:
        super().__init__(real._store)  # noqa: SLF001  it stands in for that one
        self._real = real
        self._copy: _Copy | None = None

    async def _standing(self) -> _Copy:
        if self._copy is None:
            connections, exports = await self._real.connections(), await self._real.exports()
            self._copy = _Copy({one.id: one for one in connections}, {one.id: one for one in exports})
        return self._copy

    async def connections(self) -> list[Connection]:
        """Read all connections by name."""
        return sorted((await self._standing()).connections.values(), key=lambda one: one.name)

    async def connection(self, name: str) -> Connection:
        """Read a connection by its name; Unregistered if there is none."""
        found = next((one for one in await self.connections() if one.name == name), None)
        if found is None:
            raise Unregistered(f"there is no connection {name!r}")
        return found

    async def connection_by_id(self, connection_id: str) -> Connection | None:
        """Read a connection by its id; None if there is none."""
        return (await self._standing()).connections.get(connection_id)

    async def secret(self, connection_id: str) -> bytes:
        """Read a connection's sealed key; Unregistered if the connection is gone."""
        found = (await self._standing()).secrets.get(connection_id)
        return await self._real.secret(connection_id) if found is None else found

    async def save_connection(
        self,
        connection: Connection,
        *,
        secret: bytes | None,
        replaces: Connection | None = None,  # noqa: ARG002  nobody else changes anything meanwhile
        account: str = "",
        by: Author = SYSTEM,  # noqa: ARG002  a rehearsal is nothing to be told of
    ) -> None:
        """Keep a connection for the rehearsal."""
        copy = await self._standing()
        if any(one.name == connection.name and one.id != connection.id for one in copy.connections.values()):
            raise NameTaken(f"there is a connection {connection.name!r} already")
        name = connection.account_set or account or connection.account_name
        copy.connections[connection.id] = replace(connection, account_name=name)
        if secret is not None:
            copy.secrets[connection.id] = secret

    async def unite_accounts(self, account: str, into: str, *, by: Author = SYSTEM) -> tuple[str, ...]:  # noqa: ARG002
        """Leave accounts as they are: that is found out when the changes are made."""
        return ()

    async def delete_connection(self, name: str, *, by: Author = SYSTEM) -> Deleted:  # noqa: ARG002  as save_connection
        """Leave a connection out of the rehearsal."""
        gone = await self.connection(name)
        (await self._standing()).connections.pop(gone.id)
        return Deleted((), ())

    async def exports(self) -> list[Export]:
        """Read all exports by name."""
        return sorted((await self._standing()).exports.values(), key=lambda one: one.name)

    async def export(self, name: str) -> Export:
        """Read an export by its name; Unregistered if there is none."""
        found = next((one for one in await self.exports() if one.name == name), None)
        if found is None:
            raise Unregistered(f"there is no export {name!r}")
        return found

    async def save_export(
        self,
        export: Export,
        *,
        replaces: Export | None = None,
        by_contributor: bool = False,
        by: Author = SYSTEM,  # noqa: ARG002  as save_connection
    ) -> None:
        """Keep an export for the rehearsal."""
        copy = await self._standing()
        if any(one.name == export.name and one.id != export.id for one in copy.exports.values()):
            raise NameTaken(f"there is an export {export.name!r} already")
        await self._refuse_closed(export, by_contributor=by_contributor)
        if replaces is not None:
            await self._refuse_closed(replaces, by_contributor=by_contributor)
        copy.exports[export.id] = export

    async def delete_export(
        self,
        name: str,
        *,
        by_contributor: bool = False,
        by: Author = SYSTEM,  # noqa: ARG002  as save_connection
    ) -> tuple[str, ...]:
        """Leave an export out of the rehearsal."""
        gone = await self.export(name)
        await self._refuse_closed(gone, by_contributor=by_contributor)
        (await self._standing()).exports.pop(gone.id)
        return ()

    async def _refuse_closed(self, export: Export, *, by_contributor: bool) -> None:
        connection = await self.connection_by_id(export.connection or "")
        if by_contributor and not (connection and connection.is_open):
            raise ClosedToContributors(CLOSED)
