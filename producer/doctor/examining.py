"""Looks at everything in turn and beside each other; what cannot be reached in time is told as that.

It changes nothing. Accounts are asked within their limits, so a doctor who is asked beside a large run waits a little.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from producer.accounts.findings import Busy, Checks, Ok, Wrong
from producer.doctor import server
from producer.doctor.diagnosis import Area, Diagnosis, ok, warning, wrong
from producer.registry.model import Connection, Export
from producer.registry.store import Registry, Unregistered
from producer.runs.store import RunStore
from producer.settings import SHORT_TOKEN_CHARACTERS, Settings
from producer.snapshots import Preview, Root, SnapshotError
from wire.chunk_queue.account_load import Census
from wire.chunk_queue.wakeups import LONG_QUEUE, Wakeups
from wire.store.redis import Store
from wire.store.results import StoreError
from wire.vault import SecretError, Vault

PATIENCE_SECONDS: Final = 40.0
"""For all of it: whoever asks over the API hangs up after a minute of silence."""

AT_ONCE: Final = 8
SECTIONS: Final = ("server", "memory", "persistence", "cluster")

T = TypeVar("T")
PreviewSnapshot = Callable[[str], Awaitable[Preview]]


class Doctor:
    """Examines one installation, from inside of a producer or beside it."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        queue: Store,
        wakeups: Wakeups,
        checks: Checks,
        preview: PreviewSnapshot,
    ) -> None:
        self._settings = settings
        self._store = store
        self._queue = queue
        self._wakeups = wakeups
        self._registry, self._run_store = Registry(store), RunStore(store)
        self._vault = Vault(settings.secret_keys)
        self._checks = checks
        self._preview = preview
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def examine(self) -> list[Diagnosis]:
        """Look at everything; without the store, at what stands without it."""
        found = [*self._judged_settings(), *self._judged_roots()]
        queue = await self._judged_queue()
        try:
            found += server.judged("store", await _told(self._store))
            found.append(server.clock(time.time_ns() // 1_000_000 - await self._run_store.now()))
            found += queue
            found += [] if _is_away(queue) else _judged_census(await self._wakeups.census())
            connections, exports = await self._registry.connections(), await self._registry.exports()
        except StoreError as error:
            mend = "start it, or mend SEGMENT_EXPORT_REDIS_URL; accounts, lists and snapshots were not looked at"
            return [*found, *queue, wrong("store", "reachable", str(error), mend)]
        by_id = {connection.id: connection for connection in connections}
        latest = {segment.name: segment.snapshot for segment in await self._registry.segments()}
        looks = [
            *(self._patiently("account", one.name, partial(self._judged_account, one)) for one in connections),
            *(self._patiently("list", one.name, partial(self._judged_list, one, by_id)) for one in exports),
            *(
                self._patiently("snapshots", one.name, partial(self._judged_snapshot, one, latest.get(one.segment)))
                for one in exports
            ),
        ]
        return [*found, *(await asyncio.gather(*looks))]

    def _judged_settings(self) -> list[Diagnosis]:
        found = [ok("settings", "all", "every setting can be used")]
        if len(self._settings.admin_token) < SHORT_TOKEN_CHARACTERS:
            said = f"it has {len(self._settings.admin_token)} characters, and could be guessed"
            found.append(warning("settings", "ADMIN_TOKEN", said, "set a long random one: openssl rand -hex 32"))
        count = len(self._settings.secret_keys)
        if count > 1:
            said = f"{count} keys, the first of which seals"
            mend = "once `segment-export secrets rotate` says that nothing is unreadable, drop the others"
            found.append(warning("settings", "SECRET_KEYS", said, mend))
        return found

    def _judged_roots(self) -> list[Diagnosis]:
        if not self._settings.snapshot_roots:
            said = "there is no root, so no snapshot can be read"
            return [warning("settings", "SNAPSHOT_ROOTS", said, "set SEGMENT_EXPORT_SNAPSHOT_ROOTS")]
        return [_judged_root(root) for root in self._settings.snapshot_roots]

    async def _judged_queue(self) -> list[Diagnosis]:
        try:
            return server.judged("queue", await _told(self._queue))
        except StoreError as error:
            mend = "start it, or mend SEGMENT_EXPORT_QUEUE_URL: without it no worker hears of anything"
            return [wrong("queue", "reachable", str(error), mend)]

    async def _judged_account(self, connection: Connection) -> Diagnosis:
        name = connection.name
        try:
            sealed = await self._registry.secret(connection.id)
            key = self._vault.open(connection.id, sealed)
        except (SecretError, Unregistered):
            mend = "give back the SECRET_KEYS it was sealed with, or enter it anew: connections update --key-file"
            return wrong("account", name, "no key of SECRET_KEYS opens its API key", mend)
        match await self._checks.check_key(connection.host, key):
            case Wrong(field, reason):
                option = {"host": "--host", "api_key": "--key-file"}.get(field, field)
                return wrong("account", name, reason, f"segment-export connections update {name} {option} ...")
            case Busy():
                return warning("account", name, f"{connection.host} answers no questions now", "ask again in a minute")
            case Ok(administrator=False):
                said = "the key is good, but not an administrator's: its contract cannot be read"
                return warning("account", name, said, "use the key of an administrator of the account")
            case Ok():
                pass
        if not self._vault.is_current(sealed):
            said = "the key is good, but sealed with an older one of SECRET_KEYS"
            return warning("account", name, said, "segment-export secrets rotate")
        said = f"{connection.host}: the key is good, and an administrator's"
        if connection.account != connection.account_host:
            said += f"; it is the account {connection.account}"
        return ok("account", name, said)

    async def _judged_list(self, export: Export, connections: dict[str, Connection]) -> Diagnosis:
        name, connection = export.name, connections.get(export.connection or "")
        if connection is None:
            mend = f"segment-export exports update {name} --connection NAME"
            return warning("list", name, "the export is detached from any connection", mend)
        try:
            key = self._vault.open(connection.id, await self._registry.secret(connection.id))
        except (SecretError, Unregistered):
            return warning("list", name, "not looked at: the account's key cannot be opened", "mend the account first")
        match await self._checks.check_list(connection.host, key, export.list_id):
            case Wrong("list_id", reason):
                mend = f"make list {export.list_id} there, or: segment-export exports update {name} --list ID"
                return wrong("list", name, reason, mend)
            case Wrong(_, reason):
                return warning("list", name, f"not looked at: {reason}", "mend the account first")
            case Busy():
                return warning("list", name, f"{connection.host} answers no questions now", "ask again in a minute")
            case Ok():
                return ok("list", name, f"list {export.list_id} is there")

    async def _judged_snapshot(self, export: Export, snapshot: str | None) -> Diagnosis:
        name = export.name
        if snapshot is None:
            said = f"segment {export.segment!r} was never refreshed"
            return warning("snapshots", name, said, f"segment-export publish {export.segment} SNAPSHOT")
        try:
            found = await self._preview(snapshot)
        except SnapshotError as error:
            mend = "put it back where it was, or publish the segment's newest one; SNAPSHOT_ROOTS says what may be read"
            return wrong("snapshots", name, str(error), mend)
        return ok("snapshots", name, f"{snapshot}: {found.files:,} file(s), {len(found.columns):,} columns")

    async def _patiently(self, area: Area, name: str, look: Callable[[], Awaitable[Diagnosis]]) -> Diagnosis:
        """Take a look when its turn comes, if it comes and is over in time."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._turns:
                return await look()
        except TimeoutError:
            said = f"no answer within {PATIENCE_SECONDS:.0f} s"
            return warning(area, name, said, "ask again; if it stays so, look for a slow network or store")
        except StoreError as error:
            return wrong(area, name, str(error), "look at the store")


async def _told(store: Store) -> server.ServerFacts:
    """Ask a server for what it tells; StoreError if it does not answer."""
    await store.ping()
    info: dict[str, object] = {}
    for section in SECTIONS:
        info |= await store.info(section)
    return server.ServerFacts(info, await store.settings("append*") | await store.settings("maxmemory-policy"))


def _is_away(queue: Sequence[Diagnosis]) -> bool:
    return any(one.name == "reachable" for one in queue)


def _judged_census(census: Census) -> list[Diagnosis]:
    said = f"{census.queued:,} bells wait"
    heard = ok("queue", "length", said)
    if census.queued >= LONG_QUEUE:
        heard = warning("queue", "length", said, "start workers: bells are put faster than they are heard")
    if not census.workers:
        return [heard, wrong("workers", "alive", "no worker is alive: nothing is sent", "start one: python -m worker")]
    return [heard, ok("workers", "alive", f"{census.workers:,} with {census.threads:,} threads")]


def _judged_root(root: Root) -> Diagnosis:
    if not isinstance(root, Path):
        return ok("snapshots", str(root), "below it snapshots are read; whether it answers, each of them tells")
    mend = "mend SEGMENT_EXPORT_SNAPSHOT_ROOTS, or mount it where the producer runs"
    if not root.is_dir():
        return wrong("snapshots", str(root), "there is no such directory", mend)
    if not os.access(root, os.R_OK | os.X_OK):
        mend = f"let the producer's user read it: chmod o+rx {root}"
        return wrong("snapshots", str(root), "it cannot be read", mend)
    return ok("snapshots", str(root), "can be read")


def settings_diagnoses(problems: Sequence[str]) -> list[Diagnosis]:
    """Say which settings cannot be used."""
    found = []
    for problem in problems:
        name, _, says = problem.partition(" ")
        mend = "mend it; nothing else was looked at"
        found.append(wrong("settings", name.removeprefix("SEGMENT_EXPORT_"), says, mend))
    return found
