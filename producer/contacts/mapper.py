"""Turns rows of a snapshot into contacts, as an export's mapping says; reads no file and sends nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from producer.contacts.email_addresses import UnusableAddress, address_key, read_address
from producer.contacts.fast_writer import Writer
from producer.contacts.mapped_rows import InvalidRow, MappedRows, RowFault, WeighedRows
from producer.contacts.phone_numbers import to_e164
from producer.contacts.text_cleaning import clean_line, clean_text
from wire.activecampaign.requests import CONTACT_BYTES_MAX, contact_json
from wire.chunk_queue.membership_entry import PERSON_BYTES, UNKNOWN
from wire.chunk_queue.run import Run
from wire.store import codec

_BETWEEN_TAGS = re.compile(r"\|\||,")

VERSION = 1
"""Of what this module and those it calls make of a row. Raised with every change of that, since fingerprints are of rows."""


@dataclass(frozen=True)
class MappingSpec:
    """
    Which column of a snapshot becomes what, and what every contact gets besides.

    `fields` is from the id of a custom field to a column. `tags_column` holds tags as `||a||b||` or between commas.
    `present` is the id of a custom field that marks who is in the segment, and its value. `default_region` ("GB") is
    where telephone numbers without a country code are at home. `id` is the column with the platform's id of a person.
    """

    email: str
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    tags_column: str | None = None
    default_region: str | None = None
    present: tuple[str, str] | None = None
    id: str | None = None


class Mapper:
    """Maps batches, as `Snapshot.read` gives them for `columns`: text, null where there is nothing."""

    def __init__(self, spec: MappingSpec, list_id: int, *, automations: bool, person_key: bytes = b"") -> None:
        self._spec = spec
        self._list_id = list_id
        self._automations = automations
        self._person_key = person_key
        self._field_ids = tuple(map(int, spec.fields))
        self._present = ((int(spec.present[0]), spec.present[1]),) if spec.present else ()
        self._tags = tuple(dict.fromkeys(filter(None, map(clean_line, spec.tags))))
        named = (
            spec.email,
            spec.first_name,
            spec.last_name,
            spec.phone,
            *spec.fields.values(),
            spec.tags_column,
            spec.id,
        )
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(column for column in named if column is not None))
        self._printed = [column for column in self.columns if column != spec.email or column in spec.fields.values()]
        self.version = _version(spec)
        self._writer = Writer(self._field_ids, self._tags, list_id, automations=automations)

    def addresses(self, batch: pa.RecordBatch) -> list[str | None]:
        """Return what tells each row's person from others, None where there is no address; see `address_key`."""
        column = batch.column(self._spec.email)
        keys: list[str | None] = pc.utf8_lower(pc.utf8_trim_whitespace(column)).to_pylist()
        # Arrow's lower case is Unicode's for ASCII only, and only ASCII domains are in their final form.
        for index in pc.indices_nonzero(pc.invert(pc.string_is_ascii(column))).to_pylist():
            keys[index] = address_key(column[index].as_py())
        return [key or None for key in keys]

    def fingerprints(self, batch: pa.RecordBatch, keys: Sequence[str | None]) -> list[bytes]:
        """
        Return 8 bytes for each row, equal for equal data of equal people under equal mappings.

        They are of the mapped columns as they were read, in canonical text, and of `keys`, the batch's `addresses`: so
        neither the format of the snapshot matters, nor the order of its rows or columns, nor the address's letter case.
        """
        texts = _written(batch.select(self._printed)).to_pylist() if self._printed else repeat("", batch.num_rows)
        salt = bytes.fromhex(self.version)
        return [
            blake2b(f"{key}\0{text}".encode(), digest_size=8, key=salt).digest()
            for key, text in zip(keys, texts, strict=True)
        ]

    @property
    def has_ids(self) -> bool:
        """Whether rows tell the platform's id of their person."""
        return self._spec.id is not None

    def persons(self, batch: pa.RecordBatch) -> list[bytes]:
        """
        Return what tells each row's person from others by their id: a keyed hash of 8 bytes, `UNKNOWN` where there is none.

        Columns of the same name are taken for the same ids, in whatever segment: so exports can tell each other's people.
        """
        if self._spec.id is None:
            return [UNKNOWN] * batch.num_rows
        column = self._spec.id
        texts: list[str | None] = pc.utf8_trim_whitespace(batch.column(column)).to_pylist()
        return [
            blake2b(f"{column}\0{text}".encode(), digest_size=PERSON_BYTES, key=self._person_key).digest()
            if text
            else UNKNOWN
            for text in texts
        ]

    def prints(self, batch: pa.RecordBatch) -> list[bytes]:
        """Return what membership is to know of each row: its fingerprint, and behind it its person if rows have ids."""
        prints = self.fingerprints(batch, self.addresses(batch))
        if not self.has_ids:
            return prints
        return [print_ + person for print_, person in zip(prints, self.persons(batch), strict=True)]

    def contacts(
        self, batch: pa.RecordBatch, rows: Sequence[int], *, before: int, prints: Sequence[bytes] | None = None
    ) -> Iterator[MappedRows | InvalidRow]:
        """
        Yield what becomes of these rows of the batch, in order.

        `rows` are indexes from 0 within the batch, `before` is how many rows of the snapshot came before the batch, and
        `prints` are the fingerprints of the batch's rows, where contacts are to carry theirs.
        """
        chosen = _taken(batch, rows)
        phones = self._phones(chosen)
        plain = self._plain(chosen, phones.numbers)
        others = self._others(chosen, plain, phones.numbers, rows, before)
        for at, (index, json, left_out) in enumerate(zip(rows, plain.to_pylist(), phones.left_out, strict=True)):
            print_ = prints[index] if prints else b""
            if json is not None:
                yield MappedRows(before + index + 1, json, left_out, print_)
                continue
            found = others[at]
            yield (
                found if isinstance(found, InvalidRow) else found._replace(phone_left_out=left_out, fingerprint=print_)
            )

    def weigh(self, batch: pa.RecordBatch, rows: Sequence[int], *, before: int) -> WeighedRows:
        """Tell what becomes of these rows, as `contacts` does, by sizes alone: the ordinary ones never leave Arrow."""
        chosen = _taken(batch, rows)
        phones = self._phones(chosen)
        plain = self._plain(chosen, phones.numbers)
        sizes = pc.fill_null(pc.binary_length(plain), 0).to_numpy().astype(np.int64)
        invalid = []
        for at, found in self._others(chosen, plain, phones.numbers, rows, before).items():
            if isinstance(found, InvalidRow):
                invalid.append(found)
            else:
                sizes[at] = len(found.json)
        return WeighedRows(sizes, np.array(phones.left_out, np.bool_) & (sizes > 0), invalid)

    def rows(self, rows: Sequence[Mapping[str, str | None]]) -> list[MappedRows | InvalidRow]:
        """Return what becomes of a few rows that somebody has as texts by column; a column that they lack is empty."""
        named = {column: pa.array([row.get(column) for row in rows], pa.string()) for column in self.columns}
        return list(self.contacts(pa.RecordBatch.from_pydict(named), range(len(rows)), before=0))

    def _phones(self, batch: pa.RecordBatch) -> "_Phones":
        if self._spec.phone is None:
            return _Phones([None] * batch.num_rows, [False] * batch.num_rows)
        region = self._spec.default_region
        texts: list[str | None] = batch.column(self._spec.phone).to_pylist()
        numbers = [None if text is None else to_e164(text, region) for text in texts]
        left_out = [
            number is None and text is not None and not text.isspace()
            for text, number in zip(texts, numbers, strict=True)
        ]
        return _Phones(numbers, left_out)

    def _plain(self, batch: pa.RecordBatch, numbers: Sequence[str | None]) -> pa.BinaryArray:
        """Write the ordinary rows of a batch at once; those with tags of their own are none."""
        spec = self._spec
        email = batch.column(spec.email)
        if spec.tags_column is not None:
            email = pc.if_else(pc.is_null(batch.column(spec.tags_column)), email, pa.scalar(None, pa.string()))
        names = {"first_name": spec.first_name, "last_name": spec.last_name}
        lines = {name: batch.column(column) for name, column in names.items() if column is not None}
        fields = [batch.column(column) for column in spec.fields.values()]
        return self._writer.write(email, lines, numbers, fields, CONTACT_BYTES_MAX)

    def _others(
        self,
        batch: pa.RecordBatch,
        plain: pa.BinaryArray,
        numbers: Sequence[str | None],
        rows: Sequence[int],
        before: int,
    ) -> dict[int, MappedRows | InvalidRow]:
        """Make contacts of those rows that are out of the ordinary, by their place in the batch."""
        places: list[int] = pc.indices_nonzero(pc.is_null(plain)).to_pylist()
        if not places:
            return {}
        rest = batch.select(self.columns).take(pa.array(places, pa.int64()))
        return {
            place: self._contact(texts, numbers[place], before + rows[place] + 1)
            for place, texts in zip(places, rest.to_pylist(), strict=True)
        }

    def _contact(self, texts: Mapping[str, str | None], number: str | None, row: int) -> MappedRows | InvalidRow:
        """Check, clean and write one row of any kind, by its columns."""
        spec = self._spec
        email = texts[spec.email] or ""
        address = read_address(email)
        if isinstance(address, UnusableAddress):
            return InvalidRow(row, email, address.code, address.reason)
        first, last, tags = (
            None if column is None else texts[column] for column in (spec.first_name, spec.last_name, spec.tags_column)
        )
        json = contact_json(
            email=address.sent,
            first_name=clean_line(first) if first is not None else None,
            last_name=clean_line(last) if last is not None else None,
            phone=number,
            fields=self._fields([texts[column] for column in spec.fields.values()]),
            tags=self._tags if tags is None else self._tags_and(tags),
            list_id=self._list_id,
            automations=self._automations,
        )
        if len(json) > CONTACT_BYTES_MAX:
            return InvalidRow(
                row, address.sent, RowFault.TOO_LARGE, f"The contact is larger than {CONTACT_BYTES_MAX} bytes."
            )
        return MappedRows(row, json, phone_left_out=False)

    def _fields(self, values: Sequence[str | None]) -> list[tuple[int, str]]:
        found = [
            (number, cleaned)
            for number, value in zip(self._field_ids, values, strict=True)
            if value is not None and (cleaned := clean_text(value))
        ]
        return [*found, *self._present]

    def _tags_and(self, text: str) -> tuple[str, ...]:
        further = filter(None, map(clean_line, _BETWEEN_TAGS.split(text)))
        return tuple(dict.fromkeys((*self._tags, *further)))


class _Phones(NamedTuple):
    """The telephone numbers of a batch in E.164, and where there is something that is none."""

    numbers: list[str | None]
    left_out: list[bool]


def _taken(batch: pa.RecordBatch, rows: Sequence[int]) -> pa.RecordBatch:
    return batch if len(rows) == batch.num_rows else batch.take(pa.array(rows, pa.int64()))


def _version(spec: MappingSpec) -> str:
    """Name what a mapping makes of rows, in hexadecimal; the order in which it was said does not matter."""
    said = {**asdict(spec), "tags": sorted(spec.tags), "version": VERSION}
    if spec.id is None:
        del said["id"]  # the same as before there were any
    return blake2b(codec.canonical(said), digest_size=16).hexdigest()


def _written(batch: pa.RecordBatch) -> pa.StringArray:
    """Write each row as one text, every value behind its length: no two rows are written alike."""
    nothing = pa.scalar("-")
    parts = []
    for column in batch.columns:
        parts += [pc.fill_null(pc.cast(pc.binary_length(column), pa.string()), nothing), pc.fill_null(column, "")]
    return pc.binary_join_element_wise(*parts, ":")


def mapper_of(run: Run, person_key: bytes = b"") -> Mapper:
    """The mapper that a run's copy of its export asks for; ids are hashed with this key."""
    return mapper_as_said(run.spec, run.list_id, person_key)


def mapper_as_said(said: Mapping[str, Any], list_id: str, person_key: bytes = b"") -> Mapper:
    """The mapper that an export asks for, by what was said of it; ids are hashed with this key."""
    mapping = said["mapping"]
    spec = MappingSpec(
        email=mapping["email"],
        first_name=mapping.get("first_name"),
        last_name=mapping.get("last_name"),
        phone=mapping.get("phone"),
        fields=mapping.get("fields") or {},
        tags=tuple(mapping.get("tags") or ()),
        tags_column=mapping.get("tags_column"),
        default_region=said.get("default_region"),
        present=(mark["id"], mark["present"]) if (mark := said.get("leavers_field")) else None,
        id=mapping.get("id"),
    )
    return Mapper(spec, int(list_id), automations=bool(said["automations"]), person_key=person_key)
