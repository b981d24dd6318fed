"""The page: what people see of the producer in a browser. It asks the same functions as the API, and never the API itself."""

from producer.web.app import add_page
from producer.web.pages.login import PageAccess
from producer.web.sessions.pending_keys import PendingKeys
from producer.web.sessions.sessions import Sessions

__all__ = ["PageAccess", "PendingKeys", "Sessions", "add_page"]
