"""Finds out how the producer reaches a snapshot that is named on the command line."""

import os
import re
from typing import Final

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def reachable(snapshot: str) -> str:
    """Return a snapshot as a URI or an absolute path, which the API wants; whether the producer sees it there, only it can say."""
    return snapshot if SCHEME.match(snapshot) else os.path.abspath(snapshot)  # noqa: PTH100  a glob and .. stay text
