"""What a person at a shell means by a snapshot: a relative path is one of here, and the API wants to know the whole."""

import os
import re
from typing import Final

SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def reachable(snapshot: str) -> str:
    """Return a snapshot as a URI or an absolute path; whether the producer sees it there, only it can say."""
    return snapshot if SCHEME.match(snapshot) else os.path.abspath(snapshot)  # noqa: PTH100  a glob and .. stay text
