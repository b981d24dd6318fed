"""How values become bytes and back: JSON by orjson, and at rest compressed. It knows no shapes."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

LEVEL: Final = 1
"""The fastest: contact chunks shrink to a fifth at 5 µs a kilobyte, and higher levels gain a tenth more for twice the time."""


def encode(value: object) -> bytes:
    """Encode `value` as compact UTF-8 JSON; TypeError if it has no JSON form."""
    return orjson.dumps(value)


def decode(data: bytes | memoryview | str) -> Any:
    """Decode JSON; ValueError if it is none."""
    return orjson.loads(data)


def canonical(value: object) -> bytes:
    """Encode `value` so that equal values give equal bytes, whatever the order of their names."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def text(value: object) -> str:
    """Encode `value` as JSON text."""
    return orjson.dumps(value).decode()


def text_for_logs(line: Mapping[str, object]) -> str:
    """Encode a line as JSON text; what has no JSON form is named by its type, since its own text may hold anything."""
    try:
        return orjson.dumps(line, default=_type_of).decode()
    except TypeError:  # for a number over 64 bits, half a character or a name that is no text, the library refuses all
        return orjson.dumps({name: _for_logs(value) for name, value in line.items()}).decode()


def _for_logs(value: object) -> object:
    try:
        return orjson.Fragment(orjson.dumps(value, default=_type_of))
    except TypeError:
        return _type_of(value)


def _type_of(value: object) -> str:
    return type(value).__name__


def squeeze(data: bytes) -> bytes:
    """Compress bytes for rest."""
    return zlib.compress(data, LEVEL)


def unsqueeze(data: bytes) -> bytes:
    """Undo `squeeze`; zlib.error if it was not squeezed."""
    return zlib.decompress(data)


def fields(flat: Sequence[bytes]) -> dict[str, bytes]:
    """Read a hash as a script returns it: names and values in turn."""
    pairs = iter(flat)
    return {name.decode(): value for name, value in zip(pairs, pairs, strict=True)}


def word(reply: bytes) -> Any:
    """Read a script's one-word answer; the script's header closes the set."""
    return reply.decode()


Argument = str | bytes | int | float
