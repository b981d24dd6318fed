"""Makes the short names that files and commands use out of what people call things. Pure."""

import re
import unicodedata
from collections.abc import Collection
from itertools import count
from typing import Final

CHARACTERS_MAX: Final = 63
GERMAN: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def short_name(text: str) -> str:
    """Make a short name of a text: lower-case letters, digits and hyphens; empty where nothing of it can stay."""
    latin = unicodedata.normalize("NFKD", text.lower().translate(GERMAN)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", latin).strip("-")[:CHARACTERS_MAX].rstrip("-")


def free_name(text: str, taken: Collection[str]) -> str:
    """Make a short name that nobody has: of the text, with a number behind it if need be."""
    name = short_name(text)
    if not name or name not in taken:
        return name
    numbered = (f"{name[: CHARACTERS_MAX - len(f'-{number}')]}-{number}" for number in count(2))
    return next(each for each in numbered if each not in taken)
