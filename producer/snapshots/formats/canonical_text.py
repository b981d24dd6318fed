"""
Gives every Arrow column one text form, so that the format of a snapshot never matters; changes no text that it finds.

CSV knows text only, and an empty field in it is also its null: so an empty text is null here, whatever the format.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

EXACT_FLOATS_BELOW = float(1 << 53)
"""Whole floats from here on have gaps between them, so the digits would be made up."""


class Undecodable(ValueError):
    """The value at `index` is not UTF-8."""

    def __init__(self, index: int) -> None:
        super().__init__(f"value {index} is not UTF-8")
        self.index = index


class Textless(TypeError):
    """The type has no text."""


def canonical(column: pa.Array) -> pa.StringArray:
    """
    Return the text of every value, null where there is none.

    Strings are as they are; booleans `true` and `false`; whole floats without `.0`, NaN null; dates YYYY-MM-DD;
    timestamps `2026-03-01T12:00:00Z` (UTC, also where no zone is told; a fraction only if there is one); lists
    `||a||b||` without their nulls. Raises Undecodable and Textless.
    """
    text = _rule(column.type)(column)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def joined(texts: list[str]) -> str | None:
    """Return one value for several, in the form that ActiveCampaign reads: `||a||b||`."""
    return f"||{'||'.join(texts)}||" if texts else None


def _rule(kind: pa.DataType) -> Callable[[pa.Array], pa.StringArray]:
    for predicates, rule in _RULES:
        if any(is_of(kind) for is_of in predicates):
            return rule
    raise Textless(str(kind))


def _plain(column: pa.Array) -> pa.StringArray:
    return pc.cast(column, pa.string())


def _strings(column: pa.Array) -> pa.StringArray:
    # Arrow believes a file that calls its bytes text; only a cast from bytes looks at them.
    octets = pc.cast(column, pa.binary())
    try:
        return pc.cast(octets, pa.string())
    except pa.ArrowInvalid:
        raise Undecodable(_first_undecodable(octets)) from None


def _first_undecodable(octets: pa.Array) -> int:
    for index, value in enumerate(octets):
        try:
            (value.as_py() or b"").decode()
        except UnicodeDecodeError:
            return index
    raise AssertionError("Arrow and Python disagree about UTF-8")


def _floats(column: pa.Array) -> pa.StringArray:
    if types.is_float16(column.type):
        column = pc.cast(column, pa.float32())
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    whole = pc.and_(pc.equal(column, pc.floor(column)), pc.less(pc.abs(column), EXACT_FLOATS_BELOW))
    numbers = pc.if_else(whole, column, pa.scalar(0, column.type))
    return pc.if_else(whole, pc.cast(pc.cast(numbers, pa.int64()), pa.string()), pc.cast(column, pa.string()))


def _timestamps(column: pa.Array) -> pa.StringArray:
    text = pc.cast(pc.cast(column, pa.timestamp(column.type.unit, "UTC")), pa.string())
    text = pc.replace_substring(text, " ", "T", max_replacements=1)
    return pc.replace_substring_regex(text, r"\.?0*Z$", "Z") if column.type.unit != "s" else text


def _extensions(column: pa.Array) -> pa.StringArray:
    """UUIDs as people write them; JSON, and what a database's driver has no type for, as they are stored."""
    if column.type.extension_name == "arrow.uuid":
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    if not (types.is_string(column.storage.type) or types.is_large_string(column.storage.type)):
        raise Textless(str(column.type))
    return canonical(column.storage)


def _lists(column: pa.Array) -> pa.StringArray:
    values = canonical(pc.list_flatten(column))
    held = pc.is_valid(values)
    parents = pc.list_parent_indices(column).filter(held).to_numpy(zero_copy_only=False)
    offsets = np.searchsorted(parents, np.arange(len(column) + 1)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), values.filter(held))
    text = pc.binary_join_element_wise("||", pc.binary_join(lists, "||"), "||", "")
    return pc.if_else(pc.equal(pc.list_value_length(lists), 0), pa.scalar(None, pa.string()), text)


_RULES: tuple[tuple[tuple[Callable[[pa.DataType], bool], ...], Callable[[pa.Array], pa.StringArray]], ...] = (
    ((types.is_string, types.is_large_string, types.is_string_view), _strings),
    ((types.is_binary, types.is_large_binary, types.is_binary_view), _strings),
    ((lambda kind: isinstance(kind, pa.BaseExtensionType),), _extensions),
    ((types.is_dictionary,), lambda column: canonical(column.dictionary_decode())),
    ((types.is_floating,), _floats),
    ((types.is_timestamp,), _timestamps),
    ((types.is_list, types.is_large_list, types.is_fixed_size_list), _lists),
    ((types.is_null, types.is_boolean, types.is_integer, types.is_decimal, types.is_date, types.is_time), _plain),
)
