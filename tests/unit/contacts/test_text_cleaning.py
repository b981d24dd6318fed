"""What is removed from names and values, and that nothing else is."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.text_cleaning import clean_line, clean_text

_WHOLE = [
    "Ann",
    "Zoë Żółć",
    "Nguyễn Thị Minh",
    "Иван Петров",
    "李小龍",
    "أحمد بن عبد الله",
    "דוד\u200f (David)\u200e",
    "می\u200cخواهم",  # noqa: RUF001 - Persian letters, on purpose
    "क्\u200dष",
    "👨\u200d👩\u200d👧\u200d👦 O'Neil-Smith",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "𝒜𓀀\U0001fae9",
]


@pytest.mark.parametrize("name", _WHOLE)
def test_names_of_every_script_are_kept_whole(name: str) -> None:
    """A joiner or a mark is part of the name."""
    assert clean_line(name) == name
    assert clean_text(name) == name


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  Ann \t Li\n", "Ann Li"),
        ("Ann\0\x07\x1b[31m", "Ann[31m"),
        ("A\u202enn\u202c \u2066B\u2069", "Ann B"),
        ("\ufeffAnn\ufffe\U0001ffff", "Ann"),
        ("Jose\u0301", "José"),
        ("\u0085\u2028\u00a0", ""),
        ("   ", ""),
    ],
)
def test_what_a_line_loses(text: str, line: str) -> None:
    """Controls, overrides and noncharacters go, white space becomes one blank."""
    assert clean_line(text) == line


def test_a_value_keeps_its_line_breaks_and_tabs() -> None:
    """A text area may hold them."""
    assert clean_text(" one\r\ntwo\r\tthree\x0bfour\x00 ") == "one\ntwo\n\tthree four"


@given(st.text())
def test_cleaning_leaves_no_controls_and_cleaning_again_changes_nothing(text: str) -> None:
    """What orjson and a mail are given is clean, whatever came in."""
    for clean, allowed in ((clean_line, set()), (clean_text, {"\n", "\t"})):
        cleaned = clean(text)
        assert {each for each in cleaned if unicodedata.category(each) == "Cc"} <= allowed
        assert clean(cleaned) == cleaned
        cleaned.encode()
