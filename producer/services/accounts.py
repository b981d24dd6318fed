"""What can be seen of an account through a connection: its lists, its custom fields, and what an export would send to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from producer.accounts.findings import Busy, Fields, Lists, Sight, Wrong
from producer.contacts.mapped_rows import InvalidRow
from producer.contacts.mapper import mapper_as_said
from producer.registry.model import Connection
from producer.services.connections import opened_key, read_host_field
from producer.services.context import Services
from producer.services.identity import Identity
from producer.services.permissions import require_admin, require_use
from producer.services.requests import ExportBody
from producer.snapshots import Preview
from wire.store import codec


async def look_at(services: Services, identity: Identity, host: str, api_key: SecretStr) -> Sight | Wrong | Busy:
    """Find out what a key shows of its account, before there is a connection. Forbidden or Invalid."""
    require_admin(identity)
    return await services.checks.look(read_host_field(services, host), api_key)


async def look_through(services: Services, identity: Identity, connection: Connection) -> Sight | Wrong | Busy:
    """Find out what a connection's key shows of its account. Forbidden; SecretError, Unregistered."""
    require_use(identity, connection)
    return await services.checks.look(connection.host, await opened_key(services, connection))


async def lists_of(services: Services, identity: Identity, connection: Connection) -> Lists | Wrong | Busy:
    """Find out which lists a connection's account has. Forbidden; SecretError, Unregistered."""
    require_use(identity, connection)
    return await services.checks.lists(connection.host, await opened_key(services, connection))


async def fields_of(services: Services, identity: Identity, connection: Connection) -> Fields | Wrong | Busy:
    """Find out which custom fields a connection's account has. Forbidden; SecretError, Unregistered."""
    require_use(identity, connection)
    return await services.checks.fields(connection.host, await opened_key(services, connection))


@dataclass(frozen=True, slots=True)
class Sample:
    """What would become of one row: the contact as it would be sent, or why there would be none."""

    contact: Mapping[str, Any] | None
    reason: str = ""
    phone_left_out: bool = False


def sampled(preview: Preview, body: ExportBody) -> list[Sample]:
    """Map the first rows of a snapshot as an export would. They come from its preview: addresses are masked, as there."""
    mapper = mapper_as_said(body.model_dump(), body.list_id)
    return [
        Sample(None, found.reason)
        if isinstance(found, InvalidRow)
        else Sample(codec.decode(found.json), phone_left_out=found.phone_left_out)
        for found in mapper.rows(preview.beginning)
    ]
