r"""
Writes the contacts of ordinary rows, whole columns at a time; a row that is in any way out of the ordinary is left to others.

Ordinary: an address that the quick test of `producer.contacts.email_addresses` takes as it is, and texts that need neither cleaning nor
an escape in JSON. What comes out is byte for byte what `contact_json` would write of such a row, at a tenth of the time.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from wire.activecampaign.requests import contact_json

_LETTERS: Final = r"\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{17E}"
"""Of Latin scripts, as one character each: the normal form of a text that has no other letters is the text itself."""

_INK: Final = rf"[!#-\[\]-~{_LETTERS}]"
_INK_OR_BLANK: Final = rf"[ !#-\[\]-~{_LETTERS}]"

LINE: Final = rf"\A(?:{_INK}+(?: {_INK}+)*)?\z"
"""What `clean_line` leaves as it is, without quotation marks and backslashes."""

TEXT: Final = rf"\A(?:{_INK}(?:{_INK_OR_BLANK}*{_INK})?)?\z"
"""What `clean_text` leaves as it is, likewise."""

ADDRESS: Final = r"\A[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{2,60}\z"  # no lookahead here
ADDRESS_BYTES: Final = (6, 64)
"""Within these no part of a domain can be too long, so that nobody needs to look ahead."""

_NOTHING: Final = pa.scalar(None, pa.string())


class Writer:
    """Writes contacts that differ in their texts only; `fields` are ids of custom fields."""

    def __init__(self, fields: Sequence[int], tags: Sequence[str], list_id: int, *, automations: bool) -> None:
        self._fields = tuple(fields)
        bare = contact_json(
            email="",
            first_name=None,
            last_name=None,
            phone=None,
            fields=(),
            tags=tags,
            list_id=list_id,
            automations=automations,
        )
        self._end = pa.scalar(bare.removeprefix(b'{"email":"",').decode())

    def write(
        self,
        email: pa.StringArray,
        lines: Mapping[str, pa.StringArray],
        numbers: Sequence[str | None],
        fields: Sequence[pa.StringArray],
        bytes_max: int,
    ) -> pa.BinaryArray:
        """
        Write the JSON of what can be written so; null where a row is out of the ordinary.

        `lines` are columns by the names that ActiveCampaign has for them, in its order, `numbers` telephone numbers in
        E.164, `fields` the columns of custom fields in the order of their ids.
        """
        ordinary = _matches(email, ADDRESS, if_null=False)
        length = pc.binary_length(email)
        for limit, ok in ((ADDRESS_BYTES[0], pc.greater_equal), (ADDRESS_BYTES[1], pc.less_equal)):
            ordinary = pc.and_(ordinary, pc.fill_null(ok(length, limit), fill_value=False))
        parts = [_around('{"email":"', email, '"')]
        for name, column in lines.items():
            ordinary = pc.and_(ordinary, _matches(column, LINE, if_null=True))
            parts.append(_around(f'"{name}":"', _present(column), '"'))
        parts.append(_around('"phone":"', pa.array(numbers, pa.string()), '"'))
        if fields:
            values = []
            for number, column in zip(self._fields, fields, strict=True):
                ordinary = pc.and_(ordinary, _matches(column, TEXT, if_null=True))
                values.append(_around(f',{{"id":{number},"value":"', _present(column), '"}'))
            present = pc.binary_join_element_wise(*values, "", null_handling="replace", null_replacement="")
            parts.append(_around('"fields":[', pc.utf8_slice_codeunits(_present(present), 1), "]"))
        contacts = pc.binary_join_element_wise(*parts, self._end, ",", null_handling="skip")
        ordinary = pc.and_(
            ordinary, pc.fill_null(pc.less_equal(pc.binary_length(contacts), bytes_max), fill_value=False)
        )
        return pc.if_else(ordinary, contacts, _NOTHING).cast(pa.binary())


def _matches(column: pa.StringArray, pattern: str, *, if_null: bool) -> pa.BooleanArray:
    return pc.fill_null(pc.match_substring_regex(column, pattern), if_null)


def _present(column: pa.StringArray) -> pa.StringArray:
    """Null where there is nothing to say."""
    return pc.if_else(pc.greater(pc.binary_length(column), 0), column, _NOTHING)


def _around(before: str, column: pa.StringArray, after: str) -> pa.StringArray:
    return pc.binary_join_element_wise(before, column, after, "")
