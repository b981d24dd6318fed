"""The HTTP API: it translates between requests and the producer's parts, decides nothing and opens nothing."""

from producer.access.token import Role
from producer.api.app import make_app
from producer.services.context import Services
from producer.services.identity import Identities, Identity

__all__ = ["Identities", "Identity", "Role", "Services", "make_app"]
