"""Tells whether a text can be a name or a place: one line of real characters, of any script. It changes nothing."""

import re
from typing import Final

_NO_LINE: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Controls, line ends, and halves of characters, which JSON can spell and UTF-8 cannot."""


def is_line(text: str) -> bool:
    """Whether there is something to read, all on one line; emoji and joiners of any script count as characters."""
    return bool(text.strip()) and not _NO_LINE.search(text)
