"""Tells whether a text can be a name or a place: one line of real characters, of any script. It changes nothing."""

import re
from typing import Any, Final

_NO_LINE: Final = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Controls, line ends, and halves of characters, which JSON can spell and UTF-8 cannot."""


def is_line(text: str) -> bool:
    """Whether there is something to read, all on one line; emoji and joiners of any script count as characters."""
    return bool(text.strip()) and not _NO_LINE.search(text)


DEPTH_MAX: Final = 16
"""Levels; nothing that we read has more than five."""


def is_too_deep(value: Any) -> bool:
    """Whether arrays and objects stand more than `DEPTH_MAX` deep in each other."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return False
    return True


def _parts(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []
