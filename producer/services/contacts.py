"""What can be done with one person: explain what is known, and erase it."""

from producer.accounts.findings import FoundFields, Wrong
from producer.audit.entry import AuditedAction, AuditedKind
from producer.contacts.email_addresses import address_key
from producer.people.erase import UNREADABLE, same
from producer.people.explain import explain as explained
from producer.registry.model import Connection
from producer.registry.store import Unregistered
from producer.services.contact_documents import ContactExplained, ContactForgotten, ExplainedDocument
from producer.services.context import Services
from producer.services.documents import moment_or_none
from producer.services.errors import invalid_fields
from producer.services.identity import Identity
from producer.services.permissions import may_use, require_admin
from producer.services.requests import ExplainBody, ForgetBody
from wire.vault import SecretError


async def explain_contact(services: Services, identity: Identity, body: ExplainBody) -> ContactExplained:
    """Explain a person, to a contributor over exports whose connection is open; asks ActiveCampaign only if told to."""
    address = _key(body.email)
    pseudonym = await services.erasure_store.pseudonym(address)
    facts = {"asked_activecampaign": body.ask}
    await services.audit.note(
        AuditedAction.CONTACT_EXPLAINED, identity.author, kind=AuditedKind.CONTACT, object_id=pseudonym, facts=facts
    )
    since = await services.erasure_store.since(address)
    documents, asked = [], dict[str, FoundFields]()
    for export in await services.registry.exports():
        connection = await services.registry.connection_by_id(export.connection) if export.connection else None
        if not may_use(identity, connection):
            continue
        if body.ask and connection is not None and connection.id not in asked:
            asked[connection.id] = await _asked(services, connection, address)
        trace = await services.tracer.trace(export, address, same(address))
        told = explained(trace, is_forgotten=since is not None)
        found = asked.get(connection.id) if connection else None
        documents.append(ExplainedDocument.of(export, connection.name if connection else None, trace, told, found))
    return ContactExplained(forgotten=moment_or_none(since), exports=documents)


async def forget_contact(services: Services, identity: Identity, body: ForgetBody) -> ContactForgotten:
    """Forget a person, and return the receipt. Forbidden or Invalid."""
    require_admin(identity)
    return ContactForgotten.of(
        await services.eraser.forget(_key(body.email), elsewhere=body.delete_at_activecampaign, by=identity.author)
    )


async def _asked(services: Services, connection: Connection, address: str) -> FoundFields:
    try:
        api_key = services.vault.open(connection.id, await services.registry.secret(connection.id))
    except (SecretError, Unregistered):
        return Wrong("api_key", UNREADABLE)
    return await services.checks.find_contact(connection.host, api_key, address)


def _key(email: str) -> str:
    key = address_key(email)
    if key is None:
        raise invalid_fields({"/email": "must hold an address"})
    return key
