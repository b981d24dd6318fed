"""How exports are doing as people were last told, in the record: judged once, whoever looks, and told in the same step."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from producer.notifications.export_health import Addressed, ExportHealth, ReportedHealth
from wire.store.codec import Argument
from wire.store.keys import key
from wire.store.redis import Store

AT_ONCE: Final = 100


class ExportHealthStore:
    """Reads and judges."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def endings(self) -> list[str]:
        """Read the runs that ended and are not judged, in order."""
        return [run.decode() for run in await self._store.page(key("endings"), 0, AT_ONCE - 1)]

    async def told(self, exports: Sequence[str]) -> dict[str, ReportedHealth]:
        """Read what was told of these exports, by their ids."""
        found = await self._store.hashes([key("health", export) for export in exports])
        return {export: _told(fields) for export, fields in zip(exports, found, strict=True)}

    async def judge(
        self,
        export: str,
        before: ReportedHealth,
        health: ExportHealth,
        *,
        candidate: ExportHealth | None = None,
        ended: str = "",
        looked_at: str = "",
        messages: Sequence[Addressed] = (),
    ) -> Literal["judged", "changed", "gone"]:
        """Write how an export is doing, if `before` is still what was told, and send the messages in the same step.

        `ended`: the run whose end is judged, the first of `endings`; `looked_at`: the one that is under way.
        """
        words: list[Argument] = [export, before.version, ended, looked_at, health, candidate or ""]
        words.append("" if health is before.health else "1")
        for message in messages:
            words += [message.id, message.channel, message.body]
        told: Literal["judged", "changed", "gone"] = (await self._store.keep("judge", *words)).decode()
        return told


def _told(fields: Mapping[str, bytes]) -> ReportedHealth:
    candidate = fields.get("candidate")
    return ReportedHealth(
        health=ExportHealth(fields.get("state", b"well").decode()),
        change=int(fields.get("change", 0)),
        version=int(fields.get("version", 0)),
        run=fields.get("run", b"").decode(),
        candidate=ExportHealth(candidate.decode()) if candidate else None,
        candidate_since=int(fields.get("candidate_since", 0)),
    )
