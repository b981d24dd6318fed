"""`python -m deploy.package dist`: proves that the wheel there is whole, as somebody who has only the wheel would see it.

Files are compared with the checkout, since from its root a forgotten one would still be found. Then the wheel is
installed in a new environment with exactly what `requirements.lock` pins for running it, and every module is imported,
from `/` and with `-I`, so that nothing but the installation can answer. Last, the programs are run from it as an image would
run them: as a user who owns nothing, from a tree that nobody can write to.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from deploy import unprivileged
from deploy.lock import LOCK, runtime_lock

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("producer", "wire", "worker")
IMPORT_ALL: Final = f"""
import importlib, pkgutil
names = [name for package in {PACKAGES} for name in
         (package, *(each.name for each in pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")))]
for name in names:
    importlib.import_module(name)
print(f"{{len(names)}} modules imported")
"""


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


def _install_and_import(wheel: Path, directory: Path) -> None:
    lock = directory / "runtime.txt"
    lock.write_text(runtime_lock(LOCK.read_text()))
    _run(unprivileged.interpreter(), "-m", "venv", str(directory / "venv"))
    programs = directory / "venv" / "bin"
    pip = (str(programs / "pip"), "--quiet", "--disable-pip-version-check")
    _run(*pip, "install", "--require-hashes", "--requirement", str(lock))
    _run(*pip, "install", "--no-deps", str(wheel))
    _run(*pip, "check")
    _run(str(programs / "python"), "-I", "-c", IMPORT_ALL)
    _run(str(programs / "segment-export"), "--help")
    print(unprivileged.run_all(directory))  # noqa: T201  this is a command


def _run(*command: str) -> None:
    subprocess.run(command, check=True, cwd="/")  # noqa: S603  our own commands


if __name__ == "__main__":
    sys.exit(main())
