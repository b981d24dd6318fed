"""
Removes from a person's texts what no reader would miss and some programs choke on; changes no letter of any script.

Gone: control characters, the bidirectional embeddings, overrides and isolates (unclosed, they turn round whatever a
mail prints after the name), byte order marks and noncharacters. Kept: emoji with their joiners, joiners and marks
of right-to-left scripts. Texts are put into NFC.

Pure.
"""

import re
import unicodedata

_UNWANTED = re.compile(
    "["
    "\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls that are not white space
    "\u202a-\u202e\u2066-\u2069"  # bidirectional embeddings, overrides, isolates
    "\ufeff\ufff9-\ufffb\ufdd0-\ufdef"  # byte order mark, interlinear annotation, noncharacters
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_UNWANTED_SPACE = re.compile("[\x0b\x0c\x1c-\x1f\x85]")


def clean_line(text: str) -> str:
    """Return a name or a tag on one line, every white space in it a single blank, none at the ends."""
    if text.isascii() and text.isprintable() and "  " not in text:  # the ordinary case
        return text.strip(" ")
    return unicodedata.normalize("NFC", " ".join(_UNWANTED.sub("", text).split()))


def clean_text(text: str) -> str:
    """Return the value of a field: line feeds and tabs stay, since a text area may hold them."""
    if text.isascii() and text.isprintable():
        return text.strip(" ")
    text = _UNWANTED.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", _UNWANTED_SPACE.sub(" ", text)).strip()
