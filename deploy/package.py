"""`python -m deploy.package dist`: proves that the wheel there is whole, as somebody who has only the wheel would see it.

Files are compared with the checkout, since from its root a forgotten one would still be found. Then the wheel is
installed in a new environment with exactly what `requirements.lock` pins for running it, and every module is imported,
from `/` and with `-I`, so that nothing but the installation can answer.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("producer", "wire", "worker")
RUNTIME: Final = "segment-export (pyproject.toml)"
"""How a lock made by `uv pip compile` says that the project itself asks for a package; development says `:dev`."""

IMPORT_ALL: Final = f"""
import importlib, pkgutil
names = [name for package in {PACKAGES} for name in
         (package, *(each.name for each in pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")))]
for name in names:
    importlib.import_module(name)
print(f"{{len(names)}} modules imported")
"""


class Pinned(NamedTuple):
    """One package of the lock: its lines, and who asks for it."""

    name: str
    lines: str
    asked_by: frozenset[str]


def main() -> int:
    """Check the wheel in the directory that the command line names; 1 if files are missing, CalledProcessError for the rest."""
    (wheel,) = Path(sys.argv[1]).glob("*.whl")
    if missing := files_missing(wheel):
        print("not in the wheel:", *missing, sep="\n  ", file=sys.stderr)  # noqa: T201  this is a command
        return 1
    with tempfile.TemporaryDirectory(prefix="segment-export-package-") as directory:
        _install_and_import(wheel.resolve(), Path(directory))
    return 0


def files_missing(wheel: Path) -> list[str]:
    """Return the files of our packages, scripts included, that the wheel lacks."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    ours = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    names = (path.relative_to(ROOT).as_posix() for path in ours if "__pycache__" not in path.parts)
    return sorted(set(names) - packed)


def runtime_lock(lock: str) -> str:
    """Cut from a lock what the project needs to run: what it asks for itself, and what that asks for in turn."""
    pinned = list(_pinned(lock))
    needed, found = {RUNTIME}, set[str]()
    while needed - found:
        found = set(needed)
        needed |= {each.name for each in pinned if each.asked_by & needed}
    return "".join(each.lines for each in pinned if each.name in needed)


def _pinned(lock: str) -> Iterator[Pinned]:
    for lines in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE):
        if name := re.match(r"[a-z0-9._-]+", lines):
            asked_by = re.findall(r"^ {4}# +(?:via +)?(?!via$)(.+)$", lines, flags=re.MULTILINE)
            yield Pinned(name[0], lines, frozenset(asked_by))


def _install_and_import(wheel: Path, directory: Path) -> None:
    lock = directory / "runtime.txt"
    lock.write_text(runtime_lock((ROOT / "requirements.lock").read_text()))
    _run(sys.executable, "-m", "venv", str(directory / "venv"))
    programs = directory / "venv" / "bin"
    pip = (str(programs / "pip"), "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--require-hashes", "--requirement", str(lock))
    _run(*pip, "install", "--no-deps", str(wheel))
    _run(*pip, "check")
    _run(str(programs / "python"), "-I", "-c", IMPORT_ALL)
    _run(str(programs / "segment-export"), "--help")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd="/")  # noqa: S603  our own commands


if __name__ == "__main__":
    sys.exit(main())
