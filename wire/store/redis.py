"""The one door to Redis: runs named scripts, reads plain keys, and knows what a yes of this server is worth.

Its errors are in `results`.

A script is `lua/NAME.lua` of a package, behind a prelude: the clock, the key names of `wire.store.keys` and the libraries named in its
`-- uses:` line. Everything a decision stands on is checked inside the script; Python passes what it believes, never what is.
What finishes work says `-- flags: allow-oom` and may write while the server is over its `maxmemory`, as memory comes free only
when work ends; the others are refused then, and those that take work in refuse it themselves from 85 % on (`lib/memory.lua`).
"""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha1
from importlib.resources import files
from time import monotonic
from types import MappingProxyType
from typing import Any, Final

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from wire.store.codec import Argument
from wire.store.fresh_connections import NO_NOTIFICATIONS, FreshPool, FreshSentinelPool
from wire.store.keys import lua_names
from wire.store.results import Rewritten, StoreError, Unkept, Unreachable, Unwritable

REDIS_CLOCK: Final = """\
local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
"""
"""Milliseconds since 1970 as the server counts them: the only time that two processes may compare."""

SHARED_SCRIPTS: Final = ("wire.store", "wire.chunk_queue")
"""The packages whose scripts both programs run."""

LET_GO: Final = frozenset({"acquire", "take", "settle"})
"""The scripts that let a request go."""

SOCKET_TIMEOUT_SECONDS: Final = 5.0
CONNECT_TIMEOUT_SECONDS: Final = 3.0
WAITAOF_TIMEOUT_MS: Final = 3_000

REWRITE_PATIENCE_SECONDS: Final = 30.0
REWRITE_LOOK_SECONDS: Final = 0.1


class Durability:
    """How this server makes a yes durable, read from its settings at start.

    `always` needs nothing more. Under `everysec` the write is waited for with `WAITAOF 1 replicas` on the connection that
    wrote. Anything else (persistence off, settings hidden by a managed service) can promise nothing, and `risk` says so.
    """

    def __init__(self, *, appendonly: bool, appendfsync: str, replicas: int) -> None:
        self.waits = appendonly and appendfsync == "everysec"
        self.replicas = replicas
        self.risk: str | None = None
        if not appendonly:
            self.risk = "appendonly is off: everything accepted is lost when the server stops"
        elif appendfsync == "no":
            self.risk = "appendfsync is 'no': what was accepted in the last half minute may be lost with the machine"


@cache
def load_scripts(*rooms: str) -> Mapping[str, str]:
    """Read the scripts of these packages' `lua/` folders with their libraries, by name; without rooms, what both programs run.

    A library is found by its name in any of the rooms. What `Store` puts before each script is not yet there.
    """
    folders = [files(room) / "lua" for room in rooms or SHARED_SCRIPTS]
    library = {
        path.name.removesuffix(".lua"): path.read_text()
        for folder in folders
        if (folder / "lib").is_dir()
        for path in (folder / "lib").iterdir()
    }
    scripts = {}
    for path in (path for folder in folders for path in folder.iterdir()):
        if path.name.endswith(".lua"):
            body = path.read_text()
            used = re.search(r"^-- uses: (.+)$", body, re.MULTILINE)
            names = used[1].split(", ") if used else []
            scripts[path.name.removesuffix(".lua")] = "\n".join([*(library[n] for n in names), body])
    return MappingProxyType(scripts)


class Store:
    """Runs the record's scripts on one server."""

    def __init__(self, redis: Redis, *, clock: str = REDIS_CLOCK, scripts: Mapping[str, str] | None = None) -> None:
        prelude = clock + lua_names()
        # The client's types describe its synchronous and its asynchronous answers at once: they are narrowed here.
        self._redis: Any = redis
        self._scripts = {name: _shebang(body) + prelude + body for name, body in (scripts or load_scripts()).items()}
        self._digests = {
            name: sha1(body.encode(), usedforsecurity=False).hexdigest() for name, body in self._scripts.items()
        }
        self.durability = Durability(appendonly=True, appendfsync="always", replicas=0)

    async def run(self, script: str, *arguments: Argument) -> Any:
        """Run a script and return its reply; bulk strings come as bytes."""
        with _translated():
            return await self._evaluate(self._redis, script, arguments)

    async def keep(self, script: str, *arguments: Argument) -> Any:
        """Run a script whose outcome will be promised to somebody: return only when it is on disk.

        Unkept if the server did not say so in time: the write stands, but no yes may be given for it.
        """
        if not self.durability.waits:
            return await self.run(script, *arguments)
        with _translated():
            async with self._redis.client() as connection:
                reply = await self._evaluate(connection, script, arguments)
                # What the script saw may be another connection's, and not on disk yet: wait for something behind it.
                await self._evaluate(connection, "kept", ())
                waited = await connection.execute_command("WAITAOF", 1, self.durability.replicas, WAITAOF_TIMEOUT_MS)
        if waited[0] < 1 or waited[1] < self.durability.replicas:
            raise Unkept("the store did not confirm in time that the change is on disk")
        return reply

    async def hash(self, key: str) -> dict[str, bytes]:
        """Read a whole hash; empty if there is none."""
        with _translated():
            fields = await self._redis.hgetall(key)
        return {name.decode(): value for name, value in fields.items()}

    async def hashes(self, keys: Sequence[str]) -> list[dict[str, bytes]]:
        """Read many whole hashes in one round trip."""
        with _translated():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.hgetall(key)
                found = await pipeline.execute()
        return [{name.decode(): value for name, value in fields.items()} for fields in found]

    async def picked(self, fields: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Read single fields of hashes, as pairs of key and field, in one round trip."""
        with _translated():
            async with self._redis.pipeline(transaction=False) as pipeline:
                for key, field in fields:
                    pipeline.hget(key, field)
                found: list[bytes | None] = await pipeline.execute()
        return found

    async def value(self, key: str) -> bytes | None:
        """Read a string; None if there is none."""
        with _translated():
            found: bytes | None = await self._redis.get(key)
        return found

    async def page(self, key: str, first: int, last: int) -> list[bytes]:
        """Read elements `first` to `last` (both included, -1 the end) of a list."""
        with _translated():
            found: list[bytes] = await self._redis.lrange(key, first, last)
        return found

    async def ranked(
        self, key: str, first: int = 0, last: int = -1, *, newest: bool = False
    ) -> list[tuple[str, float]]:
        """Read members of a sorted set with their scores, lowest first unless `newest`."""
        with _translated():
            found = await self._redis.zrange(key, first, last, desc=newest, withscores=True)
        return [(member.decode(), float(score)) for member, score in found]

    async def entries(
        self, key: str, newest: str, most: int, *, oldest: str = "-", oldest_first: bool = False
    ) -> list[tuple[str, dict[str, bytes]]]:
        """Read entries of a stream with their fields, between the ids `newest` (`+` the end, `(id` before id) and `oldest`.

        Backwards, unless `oldest_first`.
        """
        with _translated():
            if oldest_first:
                found = await self._redis.xrange(key, oldest, newest, count=most)
            else:
                found = await self._redis.xrevrange(key, newest, oldest, count=most)
        return [(entry.decode(), {name.decode(): value for name, value in fields.items()}) for entry, fields in found]

    async def members(self, key: str) -> set[str]:
        """Read a set."""
        with _translated():
            found = await self._redis.smembers(key)
        return {member.decode() for member in found}

    async def info(self, section: str) -> dict[str, Any]:
        """Read a section of the server's INFO; empty where a managed service hides it."""
        try:
            with _translated():
                found: dict[str, Any] = await self._redis.info(section)
        except exceptions.ResponseError:
            return {}
        return found

    async def settings(self, pattern: str) -> dict[str, str]:
        """Read server settings; empty where a managed service hides them."""
        try:
            with _translated():
                found = await self._redis.config_get(pattern)
        except (StoreError, exceptions.ResponseError):
            return {}
        return {_as_text(name): _as_text(value) for name, value in found.items()}

    async def ping(self) -> None:
        """Ask whether the server answers; StoreError if not."""
        with _translated():
            await self._redis.ping()

    async def rewrite_log(self, patience_seconds: float = REWRITE_PATIENCE_SECONDS) -> Rewritten:
        """Have the append-only file written anew, so that nothing that was erased stays in it, and wait for that."""
        if (await self.info("persistence")).get("aof_enabled", 1) == 0:
            return "off"
        deadline = monotonic() + patience_seconds
        asked: bool | None = False
        while monotonic() < deadline:
            if not await self._is_rewriting():
                if asked:
                    ended = (await self.info("persistence")).get("aof_last_bgrewrite_status", "ok")
                    return "done" if ended == "ok" else "failed"
                asked = await self._rewrite()
                if asked is None:
                    return "not_allowed"
            await asyncio.sleep(REWRITE_LOOK_SECONDS)
        return "going_on" if asked else "failed"

    async def _is_rewriting(self) -> bool:
        found = await self.info("persistence")
        return bool(found.get("aof_rewrite_in_progress") or found.get("aof_rewrite_scheduled"))

    async def _rewrite(self) -> bool | None:
        """Whether one began just now, and not before; None where the server does not let us."""
        try:
            with _translated():
                await self._redis.execute_command("BGREWRITEAOF")
        except exceptions.ResponseError as error:
            return False if "in progress" in str(error) else None
        return True

    async def queued(self, queue: str) -> int:
        """Count the elements of a list: with a store over the queue's database, the messages nobody has taken yet."""
        with _translated():
            return int(await self._redis.llen(queue))

    async def close(self) -> None:
        """Close every connection."""
        await self._redis.aclose()

    async def _evaluate(self, redis: Any, script: str, arguments: Sequence[Argument]) -> Any:
        digest = self._digests[script]
        try:
            return await redis.evalsha(digest, 0, *arguments)
        except exceptions.NoScriptError:
            together = LET_GO & self._scripts.keys() if script in LET_GO else {script}
            if script in LET_GO:
                # A server that does not know the pacer's scripts is new, and may have forgotten its last bookings.
                await redis.eval(self._scripts["hold"], 0)
            for each in together:
                await redis.script_load(self._scripts[each])
            return await redis.evalsha(digest, 0, *arguments)


def _shebang(body: str) -> str:
    """The first line by which the server knows what a script may do; without one it is refused while memory is short."""
    flags = re.search(r"^-- flags: (.+)$", body, re.MULTILINE)
    return f"#!lua flags={flags[1]}\n" if flags else ""


def connect(url: str) -> Redis:
    """Make a client of one server, or of the master that Sentinels name (`redis+sentinel://h1:p,h2:p/service/db`).

    No automatic retries: a script whose answer was lost may have run, and only its caller knows whether it may run again.
    But a connection that is dead before anything was written is replaced (`wire.store.fresh_connections`).
    """
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": SOCKET_TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_keepalive": True,
        "health_check_interval": 30,
        "maint_notifications_config": NO_NOTIFICATIONS,
    }
    sentinel = re.fullmatch(r"redis\+sentinel://([^/]+)/([^/]+)(?:/(\d+))?", url)
    if sentinel is None:
        return Redis.from_pool(FreshPool.from_url(url, **options))
    hosts = [host.rsplit(":", 1) for host in sentinel[1].split(",")]
    untyped: Any = Sentinel
    nodes = untyped([(host, int(port)) for host, port in hosts], **options)
    master: Redis = nodes.master_for(
        sentinel[2], db=int(sentinel[3] or 0), connection_pool_class=FreshSentinelPool, **options
    )
    return master


async def open_store(url: str, scripts: Mapping[str, str] | None = None) -> Store:
    """Connect and learn what a yes of this server is worth; StoreError if it cannot be reached."""
    store = Store(connect(url), scripts=scripts)
    await store.ping()
    settings = await store.settings("append*")
    replication = await store.info("replication")
    store.durability = Durability(
        appendonly=settings.get("appendonly", "yes") == "yes",
        appendfsync=settings.get("appendfsync", "everysec"),
        replicas=min(1, int(replication.get("connected_slaves", 0))),
    )
    return store


def _as_text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def cannot_write(error: exceptions.RedisError) -> bool:
    """Whether the server says that it cannot write now: it is full, read-only, loading, without its replicas or busy."""
    refusals = (exceptions.OutOfMemoryError, exceptions.ReadOnlyError, exceptions.BusyLoadingError)
    words = ("OOM", "READONLY", "MISCONF", "MASTERDOWN", "LOADING", "NOREPLICAS", "BUSY")
    return isinstance(error, refusals) or (isinstance(error, exceptions.ResponseError) and str(error).startswith(words))


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the client library's errors into ours."""
    try:
        yield
    except exceptions.RedisError as error:
        if cannot_write(error):
            told = str(error).split(maxsplit=1)[0] if type(error) is exceptions.ResponseError else type(error).__name__
            raise Unwritable(f"the store refuses to write: {told}") from None
        if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError):
            raise Unreachable(f"the store does not answer: {type(error).__name__}") from None
        raise
    except OSError as error:
        raise Unreachable(f"the store does not answer: {type(error).__name__}") from None
