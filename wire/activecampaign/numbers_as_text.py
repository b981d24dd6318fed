"""Reads whole numbers that ActiveCampaign writes now as numbers, now as text."""

import re
from typing import Final

_NUMERAL: Final = re.compile(r"\s*-?[0-9]{1,18}\s*")


def whole(found: object) -> int | None:
    """Return the whole number, or None if it is none."""
    match found:
        case bool():
            return None
        case int():
            return found
        case str() if _NUMERAL.fullmatch(found):
            return int(found)
        case _:
            return None
