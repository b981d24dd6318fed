"""What stands in the page's navigation, and for whom."""

from dataclasses import dataclass
from typing import Final

from producer.access.token import Role
from producer.services.roles import ADMIN, READERS


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry: where it leads, what it says in English, who sees it."""

    path: str
    label: str
    roles: frozenset[Role]


def N_(message: str) -> str:  # noqa: N802  gettext's own name: it marks a text for translation and leaves it as it is
    """Mark a text that is translated where it is shown."""
    return message


NAVIGATION: Final = (
    NavigationItem("/connections", N_("Connections"), READERS),
    NavigationItem("/exports", N_("Exports"), READERS),
    NavigationItem("/runs", N_("Runs"), READERS),
    NavigationItem("/segments", N_("Segments"), READERS),
    NavigationItem("/audit", N_("Audit"), ADMIN),
)

ROLES: Final = {
    Role.ADMIN: N_("administrator"),
    Role.CONTRIBUTOR: N_("contributor"),
    Role.VIEWER: N_("viewer"),
    Role.PUBLISHER: N_("publisher"),
}
"""What people are called."""
