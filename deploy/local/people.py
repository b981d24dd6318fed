"""Makes up the people of the demo's segment, each with the fate that is meant for them; pure, it writes no file.

The same number of people is always the same people. Special rows stand at fixed distances that never meet, so that
every kind is there from `PROFILES_MIN` rows on: in 1,000 rows 5 are invalid, 5 duplicates, 4 people opted out of the list,
2 are excluded from the whole account and 1 opted out of another list, which must not keep them out of ours.
"""

import csv
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

PROFILES_MIN: Final = 200
NAMES: Final = Path(__file__).with_name("names.csv")
DOMAINS: Final = ("example.com", "example.org", "example.net", "mail.example.com", "post.example.org")

INVALID_ADDRESSES: Final = (
    "",
    "{latin}.{row}",
    "{latin}.{row}@",
    "{latin}.{row}@@example.com",
    "{latin}.{row}@example",
    "{latin} {row}@example.com",
    "{latin}.{row}@example..com",
    "{latin}.{row}@example.com, second@example.com",
)
"""What is in an address column besides addresses. No two rows have the same, or one would be the other's duplicate."""

PHONES: Final = (
    "+44 20 7946 0{n:03}",
    "+1-202-555-0{n:03}",
    "+33 1 23 45 6{n:03}",
    "+49 (30) 9018 2{n:03}",
    "+81 3-1234-5{n:03}",
    "+55 11 91234-5{n:03}",
    "+91 98765 43{n:03}",
)
LOCAL_PHONE: Final = "020 7946 0{n:03}"
"""No country is told and the export has none by default, so this number is left out and its contact is sent."""


class ExpectedFate(StrEnum):
    """What is meant to become of a profile."""

    APPLIED = "applied"
    OPTED_OUT = "opted out"
    EXCLUDED = "excluded"
    INVALID = "invalid"
    DUPLICATE = "duplicate"


class Profile(NamedTuple):
    """One row of the segment. `address` is what ActiveCampaign will know the person by, empty for invalid rows."""

    email: str
    first_name: str
    last_name: str
    phone: str
    fate: ExpectedFate
    address: str = ""
    phone_left_out: bool = False
    opted_out_elsewhere: bool = False


class _Name(NamedTuple):
    first: str
    last: str
    latin: str


def profiles(count: int) -> Iterator[Profile]:
    """Yield the first `count` people, rows numbered from 0."""
    return map(_profile, range(count))


def _profile(row: int) -> Profile:
    match _fate(row):
        case ExpectedFate.INVALID:
            return _invalid(row)
        case ExpectedFate.DUPLICATE:
            return _duplicate(row)
        case fate:
            return _person(row, fate)


def _fate(row: int) -> ExpectedFate:
    if row % 200 == 101:  # noqa: PLR2004  the distances are explained at the top, here and below
        return ExpectedFate.INVALID
    if row % 200 == 199:  # noqa: PLR2004
        return ExpectedFate.DUPLICATE
    if row % 250 == 50:  # noqa: PLR2004
        return ExpectedFate.OPTED_OUT
    if row % 500 == 75:  # noqa: PLR2004
        return ExpectedFate.EXCLUDED
    return ExpectedFate.APPLIED


def _person(row: int, fate: ExpectedFate) -> Profile:
    name = _name(row)
    email = f"{name.latin}.{row}@{DOMAINS[row % len(DOMAINS)]}"
    is_local = row % 100 == 40  # noqa: PLR2004
    return Profile(
        email=email.title() if row % 9 == 0 else email,
        first_name=name.first,
        last_name=name.last,
        phone=_phone(row, LOCAL_PHONE if is_local else PHONES[row % len(PHONES)]) if row % 5 == 0 else "",
        fate=fate,
        address=email,
        phone_left_out=is_local,
        opted_out_elsewhere=row % 1_000 == 33,  # noqa: PLR2004
    )


def _invalid(row: int) -> Profile:
    name = _name(row)
    kinds = INVALID_ADDRESSES
    email = kinds[row // 200 % len(kinds)].format(latin=name.latin, row=row)
    return Profile(email, name.first, name.last, "", ExpectedFate.INVALID)


def _duplicate(row: int) -> Profile:
    """Repeat an ordinary person 60 rows before, spelt otherwise and under another name: the first one wins."""
    first, name = _profile(row - 60), _name(row)
    return Profile(f" {first.address.upper()} ", name.first, name.last, "", ExpectedFate.DUPLICATE, first.address)


def _name(row: int) -> _Name:
    names = _names()
    return names[row % len(names)]


def _phone(row: int, form: str) -> str:
    return form.format(n=100 + row % 100)


@cache
def _names() -> tuple[_Name, ...]:
    with NAMES.open(encoding="utf-8", newline="") as file:
        return tuple(_Name(**row) for row in csv.DictReader(file))
