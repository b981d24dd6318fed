"""What a chunk remembers from one answer to the next, as its record carries it; what follows from it is judged elsewhere.

Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Self


@dataclass(frozen=True, slots=True)
class ExcludedContacts:
    """A contact that was named and is left out of the next request, by its position in the chunk, from 0."""

    position: int
    reason: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryProgress:
    """How many contacts of the whole run ActiveCampaign has accepted and applied so far."""

    accepted: int = 0
    applied: int = 0


AddressChangeStep = Literal["updated", "newcomer", "nobody", "opted_out"]
"""What was found out of somebody whose address has changed. `updated`: their contact has the new one. `newcomer`: their
contact keeps the old one, and they have not opted out there. `nobody`: there is no such contact (any more). `opted_out`: they
have, under the old address."""


@dataclass(frozen=True, slots=True)
class AddressChangeHistory:
    """How far a chunk of people with changed addresses is looked up.

    `found` is in the order of its contacts, as far as that goes; `contact` is the id of the next one at ActiveCampaign, if
    that is known, empty where there is none; `taken`: whether another contact has their new address.
    """

    found: tuple[AddressChangeStep, ...] = ()
    contact: str | None = None
    taken: bool | None = None


@dataclass(frozen=True, slots=True)
class ChunkHistory:
    """What was tried with a chunk.

    `attempts`: sendings that came to nothing and count toward the bound. `troubles`: answers missing in a row, which the
    backoff grows with. `lost`: batches that did not come to a good end. `rounds`: times that contacts were named;
    `aside`: who, and `base`: what ActiveCampaign counts from, once an answer has told. `nameless`: how many times this and
    what it was part of was halved because all was refused and nobody named. `asked`: its batch was asked after before.
    `moves`: how far those are looked up whose address has changed; parts begin with that anew.

    `since` is how far the run was when the trouble began. It tells a chunk's trouble from everybody's: what others of the
    run achieved since then, ActiveCampaign does in the same hour, for the same key and list. So pieces need not know of
    each other, and a record of this size is all that a verdict takes.
    """

    attempts: int = 0
    troubles: int = 0
    lost: int = 0
    rounds: int = 0
    nameless: int = 0
    asked: bool = False
    base: int | None = None
    aside: tuple[ExcludedContacts, ...] = ()
    since: DeliveryProgress | None = None
    moves: AddressChangeHistory = AddressChangeHistory()

    def others_accepted(self, progress: DeliveryProgress) -> bool:
        """Whether ActiveCampaign has accepted contacts of the run since the trouble began."""
        return self.since is not None and progress.accepted > self.since.accepted

    def others_applied(self, progress: DeliveryProgress) -> bool:
        """Whether ActiveCampaign has applied contacts of the run since the trouble began."""
        return self.since is not None and progress.applied > self.since.applied

    def document(self) -> dict[str, Any]:
        """Write it as JSON's values, without what is as in a chunk that was never tried."""
        if self == _UNTRIED:
            return {}
        return {name: value for name, value in asdict(self).items() if value != _DOCUMENT_OF_UNTRIED[name]}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Read what `document` wrote; an empty document is a chunk that was never tried."""
        aside = tuple(ExcludedContacts(**each) for each in document.get("aside", ()))
        since = DeliveryProgress(**document["since"]) if "since" in document else None
        moves = (
            AddressChangeHistory(**{**document["moves"], "found": tuple(document["moves"]["found"])})
            if "moves" in document
            else AddressChangeHistory()
        )
        return cls(**(dict(document) | {"aside": aside, "since": since, "moves": moves}))


_UNTRIED: Final = ChunkHistory()
_DOCUMENT_OF_UNTRIED: Final = asdict(_UNTRIED)
