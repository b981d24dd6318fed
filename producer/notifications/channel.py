"""A notification channel as people configure it. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class ChannelKind(StrEnum):
    """How a channel is told."""

    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where messages go: `url` of a webhook, or `addresses` of an e-mail; of these `events` and `exports` (ids; None: all).

    A webhook's secret is kept apart, sealed. Times are milliseconds since 1970 of the process that wrote them.
    """

    id: str
    name: str
    kind: ChannelKind
    url: str | None
    addresses: tuple[str, ...]
    events: tuple[str, ...]
    exports: tuple[str, ...] | None
    enabled: bool
    created: int
    changed: int

    def document(self) -> dict[str, Any]:
        """What is kept of it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Channel":
        """Read what `document` wrote."""
        exports = document["exports"]
        return cls(
            **{
                **document,
                "kind": ChannelKind(document["kind"]),
                "addresses": tuple(document["addresses"]),
                "events": tuple(document["events"]),
                "exports": None if exports is None else tuple(exports),
            }
        )
