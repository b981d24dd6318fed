"""Reads telephone numbers into E.164, the form that ActiveCampaign's SMS needs; asks no network."""

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat
from phonenumbers.phonemetadata import PhoneNumberDesc

_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
_TEXT_MAX = 64
"""No number is longer, extension and all."""


def to_e164(text: str, default_region: str | None) -> str | None:
    """
    Return the number in E.164, None where it is not a valid one.

    Numbers without a country code are read as of the default region ("GB"), and are not valid without one.
    """
    return text if is_plainly_valid(text) else parse_e164(text, default_region)


def parse_e164(text: str, default_region: str | None) -> str | None:
    """As `to_e164`, always by the library: 14 microseconds a number and more."""
    if len(text) > _TEXT_MAX:
        return None
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_plainly_valid(text: str) -> bool:
    """
    Tell whether this is E.164 that the library would return unchanged; False says nothing.

    It asks the library's own patterns, in the library's order (`is_valid_number`, `region_code_for_number`), and
    leaves numbers alone whose beginning might be a trunk prefix that `parse` takes off.
    """
    if not _INTERNATIONAL.fullmatch(text):
        return False
    plan = _plan_of(text)
    if plan is None:
        return False
    national = text[plan.at :]
    if plan.trunk_prefix is not None and plan.trunk_prefix.match(national):
        return False
    for region in plan.regions:
        if region.leading_digits is not None:
            if region.leading_digits.match(national):
                return region.valid.fullmatch(national) is not None
        elif region.valid.fullmatch(national):
            return True
    return False


class _Region(NamedTuple):
    leading_digits: re.Pattern[str] | None
    valid: re.Pattern[str]


class _Plan(NamedTuple):
    """How the numbers of a country code look: the national number begins at `at`."""

    at: int
    trunk_prefix: re.Pattern[str] | None
    regions: tuple[_Region, ...]


def _plan_of(text: str) -> _Plan | None:
    # No country code is the beginning of another.
    return _plan(text[1:2]) or _plan(text[1:3]) or _plan(text[1:4])


@cache
def _plan(country_code: str) -> _Plan | None:
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(country_code), ())
    regions = tuple(region for code in codes if (region := PhoneMetadata.metadata_for_region(code, None)) is not None)
    if not regions:  # no such code, or one of no country, such as satellites
        return None
    prefix = regions[0].national_prefix_for_parsing
    return _Plan(1 + len(country_code), re.compile(prefix) if prefix else None, tuple(map(_region, regions)))


def _region(metadata: PhoneMetadata) -> _Region:
    kinds = (
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
        metadata.fixed_line,
        metadata.mobile,
    )
    patterns = [pattern for kind in kinds if (pattern := _pattern(kind)) is not None]
    general = _pattern(metadata.general_desc) or "(?!)"
    leading = metadata.leading_digits
    return _Region(
        re.compile(leading) if leading is not None else None,
        re.compile(rf"(?={general}\Z)(?:{'|'.join(patterns) or '(?!)'})"),
    )


def _pattern(kind: PhoneNumberDesc | None) -> str | None:
    if kind is None or not kind.national_number_pattern:
        return None
    lengths = "|".join(f"[0-9]{{{length}}}" for length in kind.possible_length)
    return (rf"(?=(?:{lengths})\Z)" if lengths else "") + f"(?:{kind.national_number_pattern})"
