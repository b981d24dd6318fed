"""Reads telephone numbers into E.164, the form that ActiveCampaign's SMS needs; asks no network. Pure."""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat
from phonenumbers.phonemetadata import PhoneNumberDesc

_INTERNATIONAL = r"\+[1-9][0-9]{6,14}"
_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_CODE_DIGITS = 3
_BEGINNINGS = 2_000
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
    pattern = _plain_of(text[: 1 + _CODE_DIGITS])
    return pattern is not None and pattern.match(text) is not None


@lru_cache(_BEGINNINGS)
def _plain_of(beginning: str) -> re.Pattern[str] | None:
    """Find the pattern of numbers that begin so: no country code is the beginning of another."""
    codes = (beginning[1:end] for end in range(2, 2 + _CODE_DIGITS))
    return next((_plain(code) for code in codes if code in _CODES), None)


@cache
def _plain(code: str) -> re.Pattern[str]:
    """Write what numbers of a country code look like as one pattern."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    regions = [region for each in codes if (region := PhoneMetadata.metadata_for_region(each, None)) is not None]
    valid = "(?!)"  # as a code of no country, such as satellites', is
    for region in reversed(regions):
        valid = _valid(region, otherwise=valid)
    prefix = regions[0].national_prefix_for_parsing if regions else None
    return re.compile(rf"(?={_INTERNATIONAL}\Z)\+{code}{f'(?!{prefix})' if prefix else ''}{valid}")


def _valid(region: PhoneMetadata, otherwise: str) -> str:
    """Write a region's numbers as a pattern; whose leading digits a number has, that region alone judges it."""
    kinds = (  # most people's first: any of them will do
        region.mobile,
        region.fixed_line,
        region.voip,
        region.toll_free,
        region.premium_rate,
        region.shared_cost,
        region.personal_number,
        region.pager,
        region.uan,
        region.voicemail,
    )
    patterns = [pattern for kind in kinds if (pattern := _pattern(kind)) is not None]
    general = _pattern(region.general_desc) or "(?!)"
    theirs = rf"(?={general}\Z)(?:{'|'.join(patterns) or '(?!)'})\Z"
    if region.leading_digits is None:
        return f"(?:{theirs}|{otherwise})"
    return f"(?:(?={region.leading_digits}){theirs}|(?!{region.leading_digits}){otherwise})"


def _pattern(kind: PhoneNumberDesc | None) -> str | None:
    if kind is None or not kind.national_number_pattern:
        return None
    lengths = "|".join(f"[0-9]{{{length}}}" for length in kind.possible_length)
    return (rf"(?=(?:{lengths})\Z)" if lengths else "") + f"(?:{kind.national_number_pattern})"
