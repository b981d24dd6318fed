"""The HTTP API: it translates between requests and the producer's parts, decides nothing and opens nothing."""

from producer.api.access import AdminToken, Identity, Role
from producer.api.app import make_app
from producer.api.collaborators import Collaborators

__all__ = ["AdminToken", "Collaborators", "Identity", "Role", "make_app"]
