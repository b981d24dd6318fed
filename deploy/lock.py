"""`python -m deploy.lock`: cuts from `requirements.lock` what running the wheel needs; with a package's name, what that needs.

For the image and for the check of the package: both install what is pinned, with hashes, and nothing that only tests need.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
RUNTIME: Final = "segment-export (pyproject.toml)"
"""How a lock made by `uv pip compile` says that the project itself asks for a package; development says `:dev`."""


class Pinned(NamedTuple):
    """One package of the lock: its lines, and who asks for it."""

    name: str
    lines: str
    asked_by: frozenset[str]


def runtime_lock(lock: str) -> str:
    """Cut from a lock what the project needs to run: what it asks for itself, and what that asks for in turn."""
    return _cut(lock, RUNTIME)


def lock_of(lock: str, package: str) -> str:
    """Cut from a lock one package, and what it asks for in turn."""
    return _cut(lock, package)


def _cut(lock: str, root: str) -> str:
    pinned = list(_pinned(lock))
    needed, found = {root}, set[str]()
    while needed - found:
        found = set(needed)
        needed |= {each.name for each in pinned if each.asked_by & needed}
    return "".join(each.lines for each in pinned if each.name in needed)


def _pinned(lock: str) -> Iterator[Pinned]:
    for lines in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        if name := re.match(r"[a-z0-9._-]+", lines):
            asked_by = re.findall(r"^ {4}# +(?:via +)?(?!via$)(.+)$", lines, flags=re.MULTILINE)
            yield Pinned(name[0], lines, frozenset(asked_by))


if __name__ == "__main__":
    text = LOCK.read_text()
    sys.stdout.write("".join(lock_of(text, name) for name in sys.argv[1:]) if sys.argv[1:] else runtime_lock(text))
