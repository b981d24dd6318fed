"""Which connections somebody may use: an administrator every one, a contributor those that are open to contributors.

Handlers ask here before they ask ActiveCampaign with a connection's key; the scripts that write ask once more, since a
connection may be closed in between.
"""

from producer.registry.model import Connection
from producer.registry.store import CLOSED
from producer.services.errors import Forbidden
from producer.services.identity import Identity


def may_use(identity: Identity, connection: Connection | None) -> bool:
    """Whether somebody may use a connection; where there is none (any more), only administrators may act."""
    return identity.is_admin or (connection is not None and connection.is_open)


def require_use(identity: Identity, connection: Connection | None) -> None:
    """Raise Forbidden unless somebody may use a connection."""
    if not may_use(identity, connection):
        raise closed()


def require_admin(identity: Identity) -> None:
    """Raise Forbidden unless somebody is an administrator: the routes say so, too, and there is more than one door."""
    if not identity.is_admin:
        raise Forbidden(f"This is not for the role {identity.role}.")


def closed() -> Forbidden:
    """Make the problem of somebody who may not use a connection."""
    return Forbidden(f"This is not for you: {CLOSED}.")
