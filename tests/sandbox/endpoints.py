"""The calls the sandbox knows, as a closed set with method and path; what they answer is in `calls`."""

from enum import StrEnum
from typing import Final

PREFIX: Final = "/api/3"


class Endpoint(StrEnum):
    """A call by a short name, as fault rules and the request log spell it."""

    IMPORT = "import"
    INFO = "info"
    IMPORTS = "imports"
    ME = "me"
    LISTS = "lists"
    LIST = "list"
    ACCOUNT = "account"
    FIELDS = "fields"
    SYNC = "sync"
    SUBSCRIBE = "subscribe"
    CONTACTS = "contacts"
    MEMBERSHIPS = "memberships"
    UPDATE = "update"
    DELETE = "delete"
    OTHER = "other"


ROUTES: Final[dict[Endpoint, tuple[str, str]]] = {
    Endpoint.IMPORT: ("POST", "/import/bulk_import"),
    Endpoint.INFO: ("GET", "/import/info"),
    Endpoint.IMPORTS: ("GET", "/import/bulk_import"),
    Endpoint.ME: ("GET", "/users/me"),
    Endpoint.LISTS: ("GET", "/lists"),
    Endpoint.LIST: ("GET", "/lists/{id}"),
    Endpoint.ACCOUNT: ("GET", "/settings/account"),
    Endpoint.FIELDS: ("GET", "/fields"),
    Endpoint.SYNC: ("POST", "/contact/sync"),
    Endpoint.SUBSCRIBE: ("POST", "/contactLists"),
    Endpoint.CONTACTS: ("GET", "/contacts"),
    Endpoint.MEMBERSHIPS: ("GET", "/contacts/{id}/contactLists"),
    Endpoint.UPDATE: ("PUT", "/contacts/{id}"),
    Endpoint.DELETE: ("DELETE", "/contacts/{id}"),
    Endpoint.OTHER: ("*", "/{rest:.*}"),
}
"""Method and path below `PREFIX`; the last takes whatever no other did."""
