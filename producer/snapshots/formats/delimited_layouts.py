"""The columns of CSV files that say nothing themselves, with the types that their values were written from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from producer.snapshots.file import File
from producer.snapshots.formats.delimited_header import Header

_ISO: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?$"
_AMERICAN: Final = "%m/%d/%Y %I:%M:%S %p"
_AMERICAN_DATE: Final = "%m/%d/%Y"


@dataclass(frozen=True)
class Layout:
    """What tells the columns of a file from outside: names in order, types by name, the delimiter."""

    names: tuple[str, ...]
    types: Mapping[str, str]
    delimiter: str = ","
    header_rows: int = 0

    def header(self, file: File) -> Header:
        """Return what a first line would have told."""
        return Header(file, self.delimiter, self.names, self.header_rows)

    def typed(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give values the text that their types have in every other format; what is of no such type stays as it is."""
        columns = [
            _RULES.get(self.types.get(name, "").lower(), _same)(column)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _same(text: pa.StringArray) -> pa.StringArray:
    return text


def _boolean(text: pa.StringArray) -> pa.StringArray:
    lower = pc.utf8_lower(text)
    return pc.if_else(pc.is_in(lower, pa.array(["true", "false"])), lower, text)


def _number(text: pa.StringArray) -> pa.StringArray:
    return pc.replace_substring_regex(text, r"^(-?\d+)\.0+$", r"\1")


def _moment(text: pa.StringArray) -> pa.StringArray:
    return _as(text, lambda moments: pc.replace_substring_regex(_written(moments), r"\.?0*Z$", "Z"), _AMERICAN)


def _date(text: pa.StringArray) -> pa.StringArray:
    return _as(text, lambda moments: pc.utf8_slice_codeunits(_written(moments), 0, 10), _AMERICAN_DATE)


def _written(moments: pa.Array) -> pa.StringArray:
    return pc.replace_substring(pc.cast(moments, pa.string()), " ", "T", max_replacements=1)


def _as(text: pa.StringArray, write: Callable[[pa.Array], pa.StringArray], american: str) -> pa.StringArray:
    """Write anew what is a time as ISO 8601 or as Dataverse writes it, without a zone in UTC."""
    iso = pc.fill_null(pc.match_substring_regex(text, _ISO), False)
    plain = pc.if_else(iso, pc.replace_substring(text, " ", "T", max_replacements=1), pa.scalar(None, pa.string()))
    plain = pc.replace_substring_regex(plain, r"(\.\d{6})\d+", r"\1")
    plain = pc.if_else(
        pc.match_substring_regex(plain, r"(?:Z|[+-]\d\d:?\d\d)$"), plain, pc.binary_join_element_wise(plain, "Z", "")
    )
    try:
        found = pc.cast(plain, pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:  # a 13th month: then it is a text like others
        found = pa.nulls(len(text), pa.timestamp("us", "UTC"))
    other = pc.strptime(text, american, "us", error_is_null=True)
    found = pc.coalesce(found, pc.cast(other, pa.timestamp("us", "UTC")))
    return pc.coalesce(write(found), text)


_RULES: Final[Mapping[str, Callable[[pa.StringArray], pa.StringArray]]] = {
    "boolean": _boolean,
    "double": _number,
    "decimal": _number,
    "datetime": _moment,
    "datetimeoffset": _moment,
    "date": _date,
}
"""By the `dataType` of the Common Data Model; texts, whole numbers and ids are their own text."""
