"""Programs from npm that tests run: installed below `.local`, once, without a lock file."""

import fcntl
import shutil
import subprocess
from pathlib import Path


def installed(package: str) -> Path:
    """Install a package (`name@version`) unless it is there, and return its folder of modules."""
    folder = Path(__file__).parents[2] / ".local" / "npm" / package
    modules, complete = folder / "node_modules", folder / "complete"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        if not complete.exists():
            npm = shutil.which("npm")
            assert npm is not None
            options = ("--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder))
            subprocess.run([npm, "install", *options, package], check=True)
            complete.touch()
    return modules
