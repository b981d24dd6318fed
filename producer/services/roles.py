"""Which roles may do what."""

from typing import Final

from producer.access.token import Role

ADMIN: Final = frozenset({Role.ADMIN})
PUBLISHERS: Final = frozenset({Role.ADMIN, Role.PUBLISHER})
READERS: Final = frozenset({Role.ADMIN, Role.CONTRIBUTOR, Role.VIEWER})
WRITERS: Final = frozenset({Role.ADMIN, Role.CONTRIBUTOR})
"""Of exports and what comes of them; contributors over connections that are open to them, which `openness` looks after."""

ANYBODY: Final = frozenset(Role)
