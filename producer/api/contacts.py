"""What answers for one person, and its handlers: where they stand and why, and that they are forgotten.

The address comes in the body, so that it stands in no log of anybody on the way.
"""

from aiohttp import web

from producer.addresses import address_key
from producer.api.access import IDENTITY, Identity
from producer.api.answering import answer
from producer.api.bodies import ExplainBody, ForgetBody
from producer.api.collaborators import Collaborators, collaborators
from producer.api.contact_documents import ContactExplained, ContactForgotten, ExplainedDocument
from producer.api.documents import moment_or_none
from producer.api.openness import may_use, require_admin
from producer.api.problems import unprocessable
from producer.api.reading import read_body
from producer.explaining import explain as explained
from producer.findings import Found, Wrong
from producer.forgetting import UNREADABLE, same
from wire.audit import Kind, What
from wire.registrations import Connection
from wire.registry import Unregistered
from wire.secrets import SecretError


async def explain_contact(of: Collaborators, who: Identity, body: ExplainBody) -> ContactExplained:
    """Explain a person, to a contributor over exports whose connection is open; asks ActiveCampaign only if told to."""
    address = _key(body.email)
    pseudonym = await of.erasing.pseudonym(address)
    facts = {"asked_activecampaign": body.ask}
    await of.audit.note(What.CONTACT_EXPLAINED, who.author, kind=Kind.CONTACT, object_id=pseudonym, facts=facts)
    since = await of.erasing.since(address)
    documents, asked = [], dict[str, Found]()
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


async def forget_contact(of: Collaborators, who: Identity, body: ForgetBody) -> ContactForgotten:
    """Forget a person, and return the receipt. Problem 403 or 422."""
    require_admin(who)
    return ContactForgotten.of(
        await of.forgetter.forget(_key(body.email), elsewhere=body.delete_at_activecampaign, by=who.author)
    )


async def explain(request: web.Request) -> web.Response:
    """Explain a person."""
    body = await read_body(request, ExplainBody)
    return answer(await explain_contact(collaborators(request), request[IDENTITY], body))


async def forget(request: web.Request) -> web.Response:
    """Forget a person, and answer with a receipt."""
    body = await read_body(request, ForgetBody)
    return answer(await forget_contact(collaborators(request), request[IDENTITY], body))


async def _asked(of: Collaborators, connection: Connection, address: str) -> Found:
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
