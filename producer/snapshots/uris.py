"""
Reads a URI that names a place outside this machine, and says whether an operator allowed it; asks nobody.

A URI reaches logs, records and screens, so it never carries a secret: keys, passwords and signatures are refused here.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from producer.snapshots.errors import OutsideRoots, Unsupported

SECRETS: Final = re.compile(
    r"(?:^|[-_.])(?:sig|signature|sas|key|api[-_]?key|access[-_]?key|account[-_]?key|secret|token|password|passwd|pwd|credential)s?$",
    re.IGNORECASE,
)
"""Names of parameters that hold secrets, as signed URLs of every store and connection strings have them."""

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class SnapshotUri(NamedTuple):
    """
    Where a snapshot lives: whose (`owner`: a bucket, an account's container, a server) and where there.

    `path` has no slash at its beginning and is not encoded; `query` is what follows a `?` where that is no wildcard.
    """

    scheme: str
    owner: str
    path: str
    query: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.scheme}://{self.owner}/{self.path}"

    def ask(self, name: str) -> str | None:
        """Return what the query says of a name."""
        return dict(self.query).get(name)


Root: TypeAlias = Path | SnapshotUri
"""What an operator allows: a directory of this machine, or a place with everything below it."""


def scheme_of(uri: str) -> str | None:
    """Return the scheme of a URI, None for a path and for `file`."""
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else "file"
    return None if scheme == "file" else scheme


def stored(uri: str, form: str) -> SnapshotUri:
    """
    Read `scheme://bucket/key`, as object stores write it: nothing in a key is encoded, and `?` is a wildcard.

    `form` is what a person is told instead. Raises Unsupported.
    """
    scheme, _, rest = uri.partition("://")
    owner, _, path = rest.partition("/")
    refuse_secrets(path.partition("?")[2])
    if "@" in owner or ":" in owner:
        raise Unsupported(f"a snapshot's URI holds no user and no secret: {form}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}", owner):
        raise Unsupported(f"not {form}")
    return SnapshotUri(scheme.lower(), owner, plain_path(path))


def plain_path(path: str) -> str:
    """Refuse a path that might lead elsewhere than it says."""
    if any(ord(character) < ord(" ") for character in path):
        raise Unsupported("a snapshot's URI holds no control characters")
    if any(step in {".", ".."} for step in path.replace("\\", "/").split("/")):
        raise Unsupported("a snapshot's URI holds no `.` or `..`")
    return path.strip("/")


def refuse_secrets(query: str, innocent: frozenset[str] = frozenset()) -> None:
    """Refuse parameters that hold secrets, not repeating them."""
    for name, _ in parse_qsl(query, keep_blank_values=True):
        if name.lower() not in innocent and SECRETS.search(name):
            raise Unsupported(f"a snapshot's URI holds no secret ({name}=...): give it to the producer's environment")


def refuse_user(uri: str) -> None:
    """Refuse a user or password before the host, not repeating them."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise Unsupported("this is no URI") from None
    if "@" in parts.netloc:
        raise Unsupported("a snapshot's URI holds no user and no password: give them to the producer's environment")


def check_allowed(place: SnapshotUri, roots: Sequence[Root]) -> None:
    """Raise OutsideRoots unless the place, up to its first wildcard, is a root or below one."""
    if not any(isinstance(root, SnapshotUri) and covers(root, place) for root in roots):
        raise OutsideRoots(f"{place}: outside the places that snapshots may come from (SNAPSHOT_ROOTS)")


def covers(root: SnapshotUri, place: SnapshotUri) -> bool:
    """Whether a place is a root or below it."""
    if (root.scheme, root.owner) != (place.scheme, place.owner):
        return False
    return not root.path or place.path == root.path or place.path.startswith(root.path + "/")
