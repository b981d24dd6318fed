"""What each call does and answers, once key, limits and faults are behind it."""

from collections.abc import Callable
from typing import Final

from tests.sandbox.answers import Answer
from tests.sandbox.calls import account, contacts, imports
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.world import Call, World

Handler = Callable[[World, Call], Answer]


def _nowhere(_world: World, _call: Call) -> Answer:
    return Answer(404, {"message": "No Result found"})


HANDLERS: Final[dict[Endpoint, Handler]] = {
    Endpoint.IMPORT: imports.accept,
    Endpoint.INFO: imports.info,
    Endpoint.IMPORTS: imports.overview,
    Endpoint.ME: account.me,
    Endpoint.LISTS: account.lists,
    Endpoint.LIST: account.one_list,
    Endpoint.ACCOUNT: account.settings,
    Endpoint.FIELDS: account.fields,
    Endpoint.SYNC: contacts.sync,
    Endpoint.SUBSCRIBE: contacts.subscribe,
    Endpoint.CONTACTS: contacts.search,
    Endpoint.MEMBERSHIPS: contacts.memberships,
    Endpoint.UPDATE: contacts.update,
    Endpoint.DELETE: contacts.delete,
    Endpoint.OTHER: _nowhere,
}
