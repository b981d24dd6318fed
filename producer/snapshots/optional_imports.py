"""Imports what only some installations have, or says how it is installed."""

import importlib
from typing import Any

from producer.snapshots.errors import Unsupported


def needed(module: str, extra: str) -> Any:
    """Import a module of an extra. Raises Unsupported where the extra is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Unsupported(
            f"what reads this place is not installed where the producer runs: pip install 'segment-export[{extra}]'"
        ) from None
