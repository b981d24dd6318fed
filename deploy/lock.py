"""
`python -m deploy.lock`: cuts from `requirements.lock` what running the wheel needs; with a package's name, what that needs.

`--extras "gcs postgresql"` adds to the first what these extras of the wheel need.

For the image and for the check of the package: both install what is pinned, with hashes, and nothing that only tests need.
"""

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
PROJECT: Final = LOCK.with_name("pyproject.toml")
RUNTIME: Final = "segment-export (pyproject.toml)"
"""How a lock made by `uv pip compile` says that the project itself asks for a package; development says `:dev`."""


class Pinned(NamedTuple):
    """One package of the lock: its lines, and who asks for it."""

    name: str
    lines: str
    asked_by: frozenset[str]


class Unknown(Exception):
    """There is no such extra, or no such package in the lock."""


def runtime_lock(lock: str, also: Sequence[str] = ()) -> str:
    """
    Cut from a lock what the project needs to run: what it asks for itself, and what that asks for in turn.

    `also` are packages beside these, as `extra_packages` names them. Raises Unknown.
    """
    return _cut(lock, RUNTIME, *also)


def lock_of(lock: str, package: str) -> str:
    """Cut from a lock one package, and what it asks for in turn. Raises Unknown."""
    return _cut(lock, package)


def extra_packages(project: str, extras: Sequence[str]) -> list[str]:
    """Return the packages that extras of a pyproject.toml ask for. Raises Unknown."""
    known = tomllib.loads(project)["project"]["optional-dependencies"]
    if strange := sorted({*extras} - {*known}):
        raise Unknown(f"no extra {' '.join(strange)}; there are {' '.join(sorted(known))}")
    asked = (re.match(r"[A-Za-z0-9._-]+", each) for extra in extras for each in known[extra])
    return sorted({re.sub(r"[-_.]+", "-", name[0]).lower() for name in asked if name})


def _cut(lock: str, *roots: str) -> str:
    pinned = list(_pinned(lock))
    if strange := sorted({*roots} - {RUNTIME} - {each.name for each in pinned}):
        raise Unknown(f"not pinned in {LOCK.name}: {' '.join(strange)}")
    needed, found = {*roots}, set[str]()
    while needed - found:
        found = set(needed)
        needed |= {each.name for each in pinned if each.asked_by & needed}
    return "".join(each.lines for each in pinned if each.name in needed)


def _pinned(lock: str) -> Iterator[Pinned]:
    for lines in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        if name := re.match(r"[a-z0-9._-]+", lines):
            asked_by = re.findall(r"^ {4}# +(?:via +)?(?!via$)(.+)$", lines, flags=re.MULTILINE)
            yield Pinned(name[0], lines, frozenset(asked_by))


def main(arguments: Sequence[str]) -> str:
    """Return what the command line asks for. Exits with 2 and a sentence where there is none."""
    parser = argparse.ArgumentParser(prog="python -m deploy.lock")
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--extras", default="")
    said = parser.parse_args(arguments)
    text = LOCK.read_text()
    try:
        if said.packages:
            return "".join(lock_of(text, name) for name in said.packages)
        extras = said.extras.replace(",", " ").split()
        return runtime_lock(text, extra_packages(PROJECT.read_text(), extras) if extras else ())
    except Unknown as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
