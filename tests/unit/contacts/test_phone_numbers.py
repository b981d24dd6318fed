"""Telephone numbers become E.164, and the quick test says nothing that the library would not."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.phone_numbers import is_plainly_valid, parse_e164, to_e164

_EXAMPLES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in phonenumbers.PhoneNumberType.values()
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]


@given(st.sampled_from(_EXAMPLES), st.text("0123456789", max_size=4), st.integers(0, 6))
def test_the_quick_test_agrees_with_the_library_on_mutations_of_every_countrys_numbers(
    example: str, digits: str, kept: int
) -> None:
    """Whatever it passes, the library returns unchanged."""
    text = example[: len(example) - kept] + digits
    if is_plainly_valid(text):
        assert parse_e164(text, None) == text


def test_the_quick_test_agrees_with_the_library_on_every_example_and_knows_most_of_them() -> None:
    """It would be of no use if it passed few."""
    passed = [text for text in _EXAMPLES if is_plainly_valid(text)]
    assert all(parse_e164(text, None) == text for text in passed)
    assert len(passed) > 0.8 * len(_EXAMPLES)


def test_a_number_that_begins_like_a_trunk_prefix_is_left_to_the_library() -> None:
    """Only `parse` knows whether the 8 of a Russian free-phone number is one to take off."""
    assert not is_plainly_valid("+78005553535")
    assert to_e164("+78005553535", None) == "+78005553535"


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+442079460000", None, "+442079460000"),
        ("+44 (0)20 7946 0000", None, "+442079460000"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("0044 20 7946 0000", "GB", "+442079460000"),
        ("+390669812345", None, "+390669812345"),
        ("+٤٤ ٢٠ ٧٩٤٦ ٠٠٠٠", None, "+442079460000"),  # noqa: RUF001 - Arabic digits, on purpose
        ("020 7946 0000", None, None),
        ("+44207946", None, None),
        ("+15005550006000", None, None),
        ("n/a", "GB", None),
        ("4.42079E+11", None, None),
        ("+" * 100_000, None, None),
        ("", None, None),
    ],
)
def test_what_becomes_of_a_number(text: str, region: str | None, number: str | None) -> None:
    """Valid numbers are E.164, numbers at home need a region, the rest is none."""
    assert to_e164(text, region) == number
