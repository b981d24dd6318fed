"""The page: what people see of the producer in a browser. It asks the same functions as the API, and never the API itself."""

from producer.page.app import add_page
from producer.page.drafts import Drafts
from producer.page.login import Doorkeeper
from producer.page.sessions import Sessions

__all__ = ["Doorkeeper", "Drafts", "Sessions", "add_page"]
