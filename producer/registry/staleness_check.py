"""Looks in the record for what has grown old or never came, for whoever shows it or tells people."""

from collections.abc import Mapping, Sequence

from producer.registry.model import Export, Segment
from producer.registry.staleness import StalenessWarning, of_export, of_segment
from producer.registry.store import Registry


class StalenessCheck:
    """Warns of exports and segments; `stale_after_hours` counts where an export says nothing else."""

    def __init__(self, registry: Registry, stale_after_hours: float) -> None:
        self._registry = registry
        self.stale_after_hours = stale_after_hours

    async def of_exports(self, exports: Sequence[Export], now: int) -> dict[str, tuple[StalenessWarning, ...]]:
        """Say what to warn of at each of these exports, by its id."""
        if not exports:
            return {}
        segments = await self._registry.segments_named({export.segment for export in exports})
        have_run = await self._registry.have_run([export.id for export in exports])
        return {
            export.id: of_export(
                export,
                segments[export.segment],
                has_run=export.id in have_run,
                now=now,
                default_hours=self.stale_after_hours,
            )
            for export in exports
        }

    async def of_segments(self, segments: Sequence[Segment], now: int) -> dict[str, tuple[StalenessWarning, ...]]:
        """Say what to warn of at each of these segments, by its name."""
        exports: Mapping[str, Export] = {export.name: export for export in await self._registry.exports()}
        return {
            segment.name: of_segment(segment, exports, now=now, default_hours=self.stale_after_hours)
            for segment in segments
        }

    async def of_all(self, now: int) -> dict[str, tuple[StalenessWarning, ...]]:
        """Say what to warn of at every export, by its name."""
        exports = await self._registry.exports()
        found = await self.of_exports(exports, now)
        return {export.name: found[export.id] for export in exports}
