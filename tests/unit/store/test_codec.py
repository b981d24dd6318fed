"""What is encoded is decoded again, whatever it is, and what is no encoding is an error of a known kind."""

import contextlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.store import codec

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_comes_back_as_it_was(value: object) -> None:
    """As bytes and as text, on one line."""
    assert codec.decode(codec.encode(value)) == value
    assert codec.decode(codec.text(value)) == value
    assert b"\n" not in codec.encode(value)


@given(st.dictionaries(st.text(), JSON), st.randoms(use_true_random=False))
def test_equal_values_have_one_canonical_form(value: dict[str, object], dice: object) -> None:
    """Whatever the order of their names."""
    names = list(value)
    dice.shuffle(names)  # type: ignore[attr-defined]
    assert codec.canonical({name: value[name] for name in names}) == codec.canonical(value)


@given(st.binary())
def test_bytes_come_back_from_rest(data: bytes) -> None:
    """Compressed or not worth it."""
    assert codec.unsqueeze(codec.squeeze(data)) == data


@given(st.binary())
def test_what_is_no_encoding_is_a_known_error(data: bytes) -> None:
    """Never a crash of the decoder, and never half a value."""
    with contextlib.suppress(ValueError):
        codec.decode(data)
    with pytest.raises(zlib.error):
        codec.unsqueeze(codec.squeeze(data)[:-1])


@given(st.binary() | st.text() | st.from_type(object) | JSON)
def test_logs_can_hold_anything(value: object) -> None:
    """On one line."""
    assert "\n" not in codec.text_for_logs({"value": value})


@pytest.mark.parametrize(
    ("value", "written"),
    [(b"", "bytes"), (2**64, "int"), (-(2**63) - 1, "int"), ("\ud800", "str"), ({1: 2}, "dict"), ([2**64], "list")],
)
def test_what_has_no_json_form_is_named_by_its_type_in_logs(value: object, written: str) -> None:
    """And costs nothing of the line but itself."""
    line = codec.text_for_logs({"event": "told", "value": value, "sizes": [1, b""]})
    assert codec.decode(line) == {"event": "told", "value": written, "sizes": [1, "bytes"]}
