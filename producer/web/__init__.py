"""The page: what people see of the producer in a browser. It asks the same functions as the API, and never the API itself."""

from producer.web.app import add_page
from producer.web.pages.login import Doorkeeper
from producer.web.sessions.pending_keys import Drafts
from producer.web.sessions.sessions import Sessions

__all__ = ["Doorkeeper", "Drafts", "Sessions", "add_page"]
