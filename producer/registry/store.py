"""Keeps connections, exports and segments in the record; a change is one script, on disk when its method returns.

A change names what it replaces and counts only if that still stands, so nobody overwrites what he has not seen:

* RegistryError
  x NameTaken           another one of this kind has the name.
  x Unregistered        there is none of that name (any more).
  x ChangedMeanwhile    somebody changed it first. Read it again and decide anew.
  x RunsUnderWay        runs stand in the old account's lane. Let them end, or cancel them.
  x Closed              a contributor asked, and the connection is for administrators only. An administrator may do it.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from producer.audit.entry import SYSTEM, Author, audit_text, author_as_text, differences
from producer.registry.account_identity import KEY_BYTES, AccountIdentity
from producer.registry.model import Connection, Export, Segment, text_of
from wire.store import codec
from wire.store.keys import key
from wire.store.redis import Store

CLOSED: Final = "the connection is for administrators only"


class RegistryError(Exception):
    """A change of the registry was not made."""


class NameTaken(RegistryError):
    """The name is another's."""


class Unregistered(RegistryError):
    """There is none of that name."""


class ChangedMeanwhile(RegistryError):
    """What was to be replaced is no longer what was read."""


class RunsUnderWay(RegistryError):
    """The account cannot change under runs."""


class ClosedToContributors(RegistryError):
    """The connection is not open to contributors."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """What the deletion of a connection brought with it: exports by name, runs by id."""

    detached: tuple[str, ...]
    ended_runs: tuple[str, ...]


class Registry:
    """Reads and writes what people register."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def revision(self) -> str:
        """Return the count of changes: intake's scripts refuse to act on an older one."""
        return (await self._store.value(key("revision")) or b"0").decode()

    # Connections -----------------------------------------------------------------------------------------------------

    async def connections(self) -> list[Connection]:
        """Read all connections by name."""
        ids = await self._store.hash(key("connections"))
        names = await self.account_names()
        found = await self._store.hashes([key("connection", of.decode()) for _, of in sorted(ids.items())])
        return [_connection(one, names) for one in found if one]

    async def account_names(self) -> dict[str, str]:
        """Read which account answers at a host, where that is not an account of the host's own name."""
        found = await self._store.hash(key("account_names"))
        return {host: account.decode() for host, account in found.items()}

    async def connection(self, name: str) -> Connection:
        """Read a connection by its name; Unregistered if there is none."""
        found = (await self._store.hash(key("connections"))).get(name)
        connection = None if found is None else await self.connection_by_id(found.decode())
        if connection is None:
            raise Unregistered(f"there is no connection {name!r}")
        return connection

    async def connection_by_id(self, connection_id: str) -> Connection | None:
        """Read a connection by its id; None if there is none."""
        found = await self._store.hash(key("connection", connection_id))
        return _connection(found, await self.account_names()) if found else None

    async def secret(self, connection_id: str) -> bytes:
        """Read a connection's sealed key; Unregistered if the connection is gone."""
        found = (await self._store.hash(key("connection", connection_id))).get("secret")
        if found is None:
            raise Unregistered("the connection was deleted")
        return found

    async def reseal(self, connection_id: str, before: bytes, after: bytes, *, by: Author = SYSTEM) -> bool:
        """Put a key, sealed anew, in the place of itself; False if somebody was quicker."""
        return bool(await self._store.keep("reseal", connection_id, before, after, author_as_text(by)) == b"saved")

    async def save_connection(
        self,
        connection: Connection,
        *,
        secret: bytes | None,
        replaces: Connection | None = None,
        account: str = "",
        by: Author = SYSTEM,
    ) -> None:
        """Keep a new connection, or one in the place of another; without a secret the key stays.

        Its `account_set`, or else `account`, says which account answers at its host; without either, what is known of that
        stays. So does what tells its account from others, without an `identity`.
        """
        word = await self._store.keep(
            "save_connection",
            connection.id,
            connection.name,
            text_of(connection),
            connection.account_host,
            secret or b"",
            text_of(replaces) if replaces else "",
            _said(by, replaces, connection, facts={"api_key_changed": secret is not None} if replaces else None),
            connection.account_set or account,
            "1" if connection.account_set else "",
            codec.text(connection.identity.document()) if connection.identity else "",
        )
        _check(word, f"connection {connection.name!r}")

    async def delete_connection(self, name: str, *, by: Author = SYSTEM) -> Deleted:
        """Delete a connection and its key, detach its exports and end its runs."""
        reply = await self._store.keep("delete_connection", name, author_as_text(by))
        if reply is None:
            raise Unregistered(f"there is no connection {name!r}")
        detached, ended = reply
        return Deleted(_texts(detached), _texts(ended))

    async def account_key(self) -> bytes:
        """What the hashes that tell accounts apart are keyed with."""
        kept: bytes = await self._store.run("key_of_accounts", secrets.token_bytes(KEY_BYTES))
        return kept

    async def claim_identities(self, most: int, *, alone_ms: int, longest_ms: int) -> list[str]:
        """Hand out ids of connections whose account is to be looked at; other producers leave them alone for so long."""
        return list(_texts(await self._store.run("claim_identity", most, alone_ms, longest_ms)))

    async def keep_identity(
        self, connection: Connection, sealed: bytes, identity: AccountIdentity | None, *, again_ms: int
    ) -> bool:
        """Keep what tells a connection's account from others; False if host or key are others by now."""
        text = codec.text(identity.document()) if identity else ""
        reply = await self._store.run("keep_identity", connection.id, connection.account_host, sealed, text, again_ms)
        return bool(reply == b"kept")

    async def unite_accounts(self, account: str, into: str, *, by: Author = SYSTEM) -> tuple[str, ...]:
        """Make one of two accounts that are the same; return the names of the connections that are of another account now."""
        said = author_as_text(by, changes={"account": (account, into)})
        return _texts(await self._store.keep("unite_accounts", account, into, said))

    # Exports ---------------------------------------------------------------------------------------------------------

    async def exports(self) -> list[Export]:
        """Read all exports by name."""
        ids = await self._store.hash(key("exports"))
        found = await self._store.hashes([key("export", of.decode()) for _, of in sorted(ids.items())])
        return [_export(one) for one in found if one]

    async def export(self, name: str) -> Export:
        """Read an export by its name; Unregistered if there is none."""
        found = (await self._store.hash(key("exports"))).get(name)
        fields = {} if found is None else await self._store.hash(key("export", found.decode()))
        if not fields:
            raise Unregistered(f"there is no export {name!r}")
        return _export(fields)

    async def save_export(
        self, export: Export, *, replaces: Export | None = None, by_contributor: bool = False, by: Author = SYSTEM
    ) -> None:
        """Keep a new export, or one in the place of another; runs under way keep their copy."""
        before = None if replaces is None else await self._name(replaces)
        after = before if replaces and replaces.connection == export.connection else await self._name(export)
        word = await self._store.keep(
            "save_export",
            export.id,
            export.name,
            text_of(export),
            export.connection or "",
            text_of(replaces) if replaces else "",
            (replaces.connection or "") if replaces else "",
            "1" if by_contributor else "",
            _said(by, replaces, export, connections=(before, after)),
            "1" if replaces and not export.timed_as(replaces) else "",
        )
        _check(word, f"export {export.name!r}")

    async def delete_export(self, name: str, *, by_contributor: bool = False, by: Author = SYSTEM) -> tuple[str, ...]:
        """Delete an export and cancel its runs; return their ids."""
        reply = await self._store.keep("delete_export", name, "1" if by_contributor else "", author_as_text(by))
        if reply is None:
            raise Unregistered(f"there is no export {name!r}")
        if reply == b"closed":
            raise ClosedToContributors(CLOSED)
        return _texts(reply)

    async def _name(self, export: Export) -> str | None:
        connection = await self.connection_by_id(export.connection) if export.connection else None
        return None if connection is None else connection.name

    # Segments and runs -----------------------------------------------------------------------------------------------

    async def segment(self, name: str) -> Segment:
        """Read what is known of a segment, without its exports."""
        return _segment(name, await self._store.hash(key("segment", name)))

    async def segments_named(self, names: Collection[str]) -> dict[str, Segment]:
        """Read what is known of these segments, by name, without their exports."""
        found = await self._store.hashes([key("segment", name) for name in names])
        return {name: _segment(name, fields) for name, fields in zip(names, found, strict=True)}

    async def have_run(self, exports: Sequence[str]) -> frozenset[str]:
        """Pick those exports, by their ids, of which a run has got as far as a survey for the list they go to."""
        return frozenset(_texts(await self._store.run("exports_that_ran", *exports)))

    async def segments(self) -> list[Segment]:
        """Read every segment heard of or named by an export, by name, with the names of its exports."""
        exports: dict[str, list[str]] = {}
        for export in await self.exports():
            exports.setdefault(export.segment, []).append(export.name)
        names = sorted(await self._store.members(key("segments")) | exports.keys())
        found = await self._store.hashes([key("segment", name) for name in names])
        return [
            replace(_segment(name, fields), exports=tuple(exports.get(name, ())))
            for name, fields in zip(names, found, strict=True)
        ]

    async def runs(self, *, after: str = "", most: int, export_id: str = "") -> tuple[str, ...]:
        """List ids of runs, the newest first, those older than the run `after`."""
        return _texts(await self._store.run("list_runs", after, most, export_id))


def _said(
    by: Author,
    before: Connection | Export | None,
    after: Connection | Export,
    *,
    connections: tuple[str | None, str | None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Write what the trail says of a change; `connections`: the names of those that an export had and has."""
    old, new = _told_of(before) if before else {}, _told_of(after)
    if connections is not None:
        old, new = (of | {"connection": name} for of, name in zip((old, new), connections, strict=True))
    return author_as_text(by, changes=differences(old, new), facts=facts)


def _told_of(registered: Connection | Export) -> dict[str, Any]:
    found = audit_text(registered.document())
    if isinstance(registered, Connection):
        found["account"] = registered.account
        if registered.account_set:
            found["account_set"] = registered.account_set
    return found


def _connection(fields: Mapping[str, bytes], names: Mapping[str, str]) -> Connection:
    found = Connection.from_document(codec.decode(fields["document"]))
    return replace(
        found,
        account_name=names.get(found.account_host, found.account_host),
        account_set=fields.get("account_set", b"").decode(),
        identity=AccountIdentity.from_document(codec.decode(fields["identity"])) if "identity" in fields else None,
    )


def _export(fields: dict[str, bytes]) -> Export:
    connection = fields.get("connection")
    return Export.from_document(codec.decode(fields["document"]), connection.decode() if connection else None)


def _segment(name: str, fields: dict[str, bytes]) -> Segment:
    if not fields:
        return Segment(name)
    return Segment(
        name,
        snapshot=fields["snapshot"].decode(),
        refreshed=int(fields["time"]),
        accepted=int(fields["accepted"]),
    )


def _check(word: bytes, what: str) -> None:
    match word:
        case b"saved":
            return
        case b"taken":
            raise NameTaken(f"there is a {what} already")
        case b"unknown":
            raise ChangedMeanwhile(f"the connection of {what} was deleted meanwhile")
        case b"closed":
            raise ClosedToContributors(CLOSED)
        case b"busy":
            raise RunsUnderWay(f"runs of {what} are under way; let them end or cancel them before the account changes")
        case _:
            raise ChangedMeanwhile(f"{what} was changed meanwhile")


def _texts(words: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(word.decode() for word in words)
