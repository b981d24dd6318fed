"""What can be done with one person: explain what is known, and erase it."""

from producer.accounts.findings import FoundFields, Wrong
from producer.audit.trail import AuditedAction, AuditedKind
from producer.contacts.email_addresses import address_key
from producer.people.erase import UNREADABLE, same
from producer.people.explain import explain as explained
from producer.registry.model import Connection
from producer.registry.store import Unregistered
from producer.services.contact_documents import ContactExplained, ContactForgotten, ExplainedDocument
from producer.services.context import Services
from producer.services.documents import moment_or_none
from producer.services.identity import Identity
from producer.services.permissions import may_use, require_admin
from producer.services.problems import unprocessable
from producer.services.requests import ExplainBody, ForgetBody
from wire.vault import SecretError


async def explain_contact(of: Services, who: Identity, body: ExplainBody) -> ContactExplained:
    """Explain a person, to a contributor over exports whose connection is open; asks ActiveCampaign only if told to."""
    address = _key(body.email)
    pseudonym = await of.erasing.pseudonym(address)
    facts = {"asked_activecampaign": body.ask}
    await of.audit.note(
        AuditedAction.CONTACT_EXPLAINED, who.author, kind=AuditedKind.CONTACT, object_id=pseudonym, facts=facts
    )
    since = await of.erasing.since(address)
    documents, asked = [], dict[str, FoundFields]()
    for export in await of.registry.exports():
        connection = await of.registry.connection_by_id(export.connection) if export.connection else None
        if not may_use(who, connection):
            continue
        if body.ask and connection is not None and connection.id not in asked:
            asked[connection.id] = await _asked(of, connection, address)
        trace = await of.tracer.trace(export, address, same(address))
        told = explained(trace, is_forgotten=since is not None)
        found = asked.get(connection.id) if connection else None
        documents.append(ExplainedDocument.of(export, connection.name if connection else None, trace, told, found))
    return ContactExplained(forgotten=moment_or_none(since), exports=documents)


async def forget_contact(of: Services, who: Identity, body: ForgetBody) -> ContactForgotten:
    """Forget a person, and return the receipt. Problem 403 or 422."""
    require_admin(who)
    return ContactForgotten.of(
        await of.forgetter.forget(_key(body.email), elsewhere=body.delete_at_activecampaign, by=who.author)
    )


async def _asked(of: Services, connection: Connection, address: str) -> FoundFields:
    try:
        api_key = of.vault.open(connection.id, await of.registry.secret(connection.id))
    except (SecretError, Unregistered):
        return Wrong("api_key", UNREADABLE)
    return await of.checks.find_contact(connection.host, api_key, address)


def _key(email: str) -> str:
    key = address_key(email)
    if key is None:
        raise unprocessable({"/email": "must hold an address"})
    return key
