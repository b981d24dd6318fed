r"""
Says where a CSV file breaks RFC 4180's rules on quotes, block by block; reads no values.

Arrow reads on where a quote opens inside a cell or text follows a closing quote, and one row swallows the next. Between quotes
the bytes do not matter, so it is enough to look beside each quote: the ones that open stand at the beginning of a cell, the ones
that close at its end, and a quote within quotes is both.

`\"`, which Spark writes for a quote unless it is told otherwise, breaks these rules nearly always. Where it does not, the text is
followed in that reading as well: while both are possible, the file is refused.
"""

import codecs
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

UNQUOTED: Final = (
    "a quote inside a cell that does not begin with one; write the cell in quotes, and each quote in it twice"
)
TEXT_AFTER: Final = "text after a closing quote; a quote that belongs to the text is written twice"
ESCAPED: Final = (
    "a backslash before a quote; a quote that belongs to the text is written twice (Spark: option `escape`)"
)

_QUOTE: Final = ord('"')
_BACKSLASH: Final = ord("\\")
_NEWLINES: Final = b"\r\n"
_NEWLINE: Final = ord("\n")

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.intp]

_NONE: Final[Positions] = np.zeros(0, np.intp)


class QuoteFault(NamedTuple):
    """A quote that breaks the rules: the number of bytes before it, and which rule."""

    offset: int
    problem: str


class Quotes:
    """The quotes of one file, fed block by block."""

    def __init__(self, delimiter: str) -> None:
        beside = np.zeros(256, np.bool_)
        beside[[*delimiter.encode(), *_NEWLINES, _QUOTE]] = True
        self._offset = 0
        self._backslashes = 0
        self._turns = _Turns(beside)
        self._unescaped: _Turns | None = None
        """The reading in which a backslash takes a quote's meaning away, from the first such quote on while it is possible."""
        self._first_escape: int | None = None

    def feed(self, block: bytes) -> QuoteFault | None:
        """Return the first fault of the next block; behind a fault nothing may be fed."""
        if self._offset == 0 and block.startswith(codecs.BOM_UTF8):
            self._offset, block = len(codecs.BOM_UTF8), block[len(codecs.BOM_UTF8) :]
        if not block:
            return None
        octets = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(octets == _QUOTE) if b'"' in block else _NONE
        wrong = self._turns.feed(octets, quotes)
        if wrong is not None:
            before, at, problem = wrong
            return QuoteFault(self._offset + at, ESCAPED if before == _BACKSLASH else problem)
        self._read_escapes(block, octets, quotes)
        self._backslashes = _backslashes(block, len(block), self._backslashes)
        self._offset += len(block)
        return None

    def end(self) -> QuoteFault | None:
        """Return the fault that only the end of the file tells: it can be read in two ways."""
        both = self._unescaped is not None and not self._unescaped.inside and self._first_escape is not None
        return QuoteFault(self._first_escape or 0, ESCAPED) if both else None

    def _read_escapes(self, block: bytes, octets: Bytes, quotes: Positions) -> None:
        if self._first_escape is None:
            if not quotes.size or not (self._backslashes or b"\\" in block):
                return
            behind = quotes[octets[quotes - 1] == _BACKSLASH].tolist()
            if self._backslashes and block[0] == _QUOTE:
                behind = [0, *(at for at in behind if at)]
            escaped = [at for at in behind if _backslashes(block, at, self._backslashes) % 2]
            if not escaped:
                return
            self._first_escape = self._offset + escaped[0]
            self._unescaped = _Turns(self._turns.beside, inside=True, last=_QUOTE)
            octets, quotes = octets[escaped[0] + 1 :], quotes[quotes > escaped[0]] - escaped[0] - 1
            block = block[escaped[0] + 1 :]
        if self._unescaped is not None and block:
            carried = self._backslashes
            real = [at for at in quotes.tolist() if not _backslashes(block, at, carried) % 2]
            if self._unescaped.feed(octets, np.asarray(real, np.intp)):
                self._unescaped = None  # text with escapes it is not


class _Turns:
    """Quotes that open and close by turns."""

    def __init__(self, beside: npt.NDArray[np.bool_], *, inside: bool = False, last: int = _NEWLINE) -> None:
        self.beside = beside
        self.inside = inside
        self._last = last
        self._unjudged: _Wrong | None = None  # the last byte was a quote that closes: wrong if text follows

    def feed(self, octets: Bytes, quotes: Positions) -> "_Wrong | None":
        """Return the first quote of a block that does not stand where it may."""
        if self._unjudged and not self.beside[octets[0]]:
            return self._unjudged
        wrong = self._judge(octets, quotes) if quotes.size else None
        if not quotes.size or self.inside or quotes[-1] != octets.size - 1:
            self._unjudged = None
        self._last = int(octets[-1])
        return wrong

    def _judge(self, octets: Bytes, quotes: Positions) -> "_Wrong | None":
        opening, closing = (quotes[1::2], quotes[::2]) if self.inside else (quotes[::2], quotes[1::2])
        before = octets.take(opening - 1, mode="clip")
        if opening.size and opening[0] == 0:
            before[0] = self._last
        # The last byte stands for the one behind it, which is not there yet: it is a quote, and so beside one.
        after = octets.take(closing + 1, mode="clip")
        wrong = [
            self._wrong(octets, int(positions[int(right.argmin())]), problem)
            for positions, right, problem in (
                (opening, self.beside.take(before), UNQUOTED),
                (closing, self.beside.take(after), TEXT_AFTER),
            )
            if not right.all()
        ]
        self.inside ^= bool(quotes.size % 2)
        last = self._wrong(octets, int(quotes[-1]), TEXT_AFTER)
        self._unjudged = last._replace(at=last.at - octets.size)
        return min(wrong, key=lambda each: each.at, default=None)

    def _wrong(self, octets: Bytes, at: int, problem: str) -> "_Wrong":
        return _Wrong(int(octets[at - 1]) if at else self._last, at, problem)


class _Wrong(NamedTuple):
    before: int
    at: int
    problem: str


def _backslashes(block: bytes, end: int, carried: int) -> int:
    """Count the backslashes directly before a position; `carried` ones stand before the block."""
    at = end
    while at and block[at - 1] == _BACKSLASH:
        at -= 1
    return end - at + (0 if at else carried)


class Spot(NamedTuple):
    """Where something stands: lines that ended before it, blank ones aside, and cells before it in its line."""

    lines: int
    cells: int


class Finder:
    """Finds the row and the cell of a byte before which every quote keeps the rules."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = ord(delimiter)
        self._inside = False
        self._last = _NEWLINE
        self.spot = Spot(0, 0)

    def feed(self, block: bytes) -> None:
        """Count what stands before the byte, block by block."""
        octets = np.frombuffer(block, np.uint8)
        quoted = ((np.cumsum(octets == _QUOTE) + self._inside) % 2).astype(np.bool_)
        newline = ((octets == _NEWLINE) | (octets == ord("\r"))) & ~quoted
        blank = np.concatenate((np.isin([self._last], list(_NEWLINES)), newline[:-1]))
        ends = np.flatnonzero(newline)
        begin = int(ends[-1]) + 1 if ends.size else 0
        cells = int(np.count_nonzero((octets[begin:] == self._delimiter) & ~quoted[begin:]))
        lines, before = self.spot
        self.spot = Spot(lines + int(np.count_nonzero(newline & ~blank)), cells + (0 if ends.size else before))
        self._inside, self._last = bool(quoted[-1]), int(octets[-1])
