"""The rules on quotes, against a reader of one byte after the other that knows them, too."""

from itertools import pairwise
from typing import Final

from hypothesis import example, given, settings
from hypothesis import strategies as st

from producer.snapshots.formats.csv_quotes import ESCAPED, TEXT_AFTER, UNQUOTED, Finder, QuoteFault, Quotes, Spot

LETTERS: Final = st.text('",\\\n\ra', max_size=24)


def _fault(pieces: list[bytes]) -> QuoteFault | None:
    quotes = Quotes(",")
    faults = (quotes.feed(piece) for piece in pieces)
    return next((fault for fault in faults if fault), None) or quotes.end()


def _first_fault(text: str) -> int | None:
    """Read one character after the other, as RFC 4180 says."""
    state = "start"
    for at, character in enumerate(text):
        match state, character:
            case "start", '"':
                state = "quoted"
            case "quoted", '"':
                state = "closed"
            case "quoted", _:
                pass
            case "closed", '"':
                state = "quoted"
            case _, "," | "\n" | "\r":
                state = "start"
            case "closed", _:
                return at - 1
            case _, '"':
                return at
            case _:
                state = "text"
    return None


def _escapes_make_sense(text: str) -> bool:
    """Whether the text ends outside of quotes, too, if a backslash takes a quote's meaning away."""
    unescaped, at = "", 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in {'"', "\\"}:
            unescaped, at = unescaped + "aa", at + 2
        else:
            unescaped, at = unescaped + text[at], at + 1
    return _first_fault(unescaped) is None and unescaped.count('"') % 2 == 0


@settings(deadline=None)
@given(LETTERS, st.lists(st.integers(0, 24), max_size=6))
@example('"a"a', [3])
@example('"a\\"', [3])
@example('a,"\\\\"\n', [4])
@example('"\\",","\n', [])
def test_the_first_fault_is_found_wherever_the_blocks_end(text: str, cuts: list[int]) -> None:
    """A text that is right both with and without escapes is refused, any other right one is not."""
    octets = text.encode()
    ends = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    fault = _fault([octets[begin:end] for begin, end in pairwise(ends)])
    expected = _first_fault(text)
    if expected is not None:
        assert fault is not None
        assert fault.offset == expected
    elif fault is not None:
        assert fault.problem == ESCAPED
        assert _escapes_make_sense(text)
    else:
        assert '\\"' not in text or text.count('"') % 2 or not _escapes_make_sense(text) or _no_escape(text)


def _no_escape(text: str) -> bool:
    """Whether every quote stands behind an even number of backslashes."""
    return all((len(part) - len(part.rstrip("\\"))) % 2 == 0 for part in text.split('"')[:-1])


def test_a_fault_says_which_rule_is_broken() -> None:
    """And a backslash is named, since a setting of Spark's mends it."""
    assert _fault([b'a,b"c']) == (3, UNQUOTED)
    assert _fault([b'\xef\xbb\xbf"a"b']) == (5, TEXT_AFTER)
    assert _fault([b'"a \\"b\\""\n']) == (4, ESCAPED)
    assert _fault([b'a,"x\\",y,"\nb,",z,"\n']) is not None


def test_a_cell_that_ends_in_a_backslash_is_one() -> None:
    """As soon as what follows makes no sense otherwise."""
    assert _fault([b'"C:\\dir\\","b"\n']) is None
    assert _fault([b'a,"C:\\dir\\"\n']) is None
    assert _fault([b'"C:\\dir\\\\","b"\n']) is None


@settings(deadline=None)
@given(st.lists(st.lists(st.text('",\n\ra', max_size=4), min_size=1, max_size=3), max_size=4), st.integers(1, 9))
def test_a_byte_is_found_by_row_and_cell(rows: list[list[str]], size: int) -> None:
    """Whatever stands in the cells before it."""
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    octets = ("\r\n\r\n".join([*lines, ""]) + "x,y,").encode()
    finder = Finder(",")
    for begin in range(0, len(octets), size):
        finder.feed(octets[begin : begin + size])
    assert finder.spot == Spot(len(rows), 2)
