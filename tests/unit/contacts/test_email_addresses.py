"""Which addresses are accepted, what is sent for them, and that the quick test is never wiser than the full one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contacts.email_addresses import (
    ORDINARY,
    Address,
    UnusableAddress,
    address_key,
    check_address,
    read_address,
)
from producer.contacts.mapped_rows import RowFault

_LOCAL = st.lists(st.text("abzAZ019_+-'", min_size=1, max_size=40), min_size=1, max_size=4).map(".".join)
_LABEL = st.lists(st.text("abzAZ019", min_size=1, max_size=40), min_size=1, max_size=3).map("-".join)
_DOMAIN = st.lists(_LABEL, min_size=1, max_size=6).map(".".join)
_TOP = st.one_of(st.sampled_from(["org", "test", "c", "c0"]), st.text("abzAZ", min_size=1, max_size=70))


@given(st.one_of(st.builds("{}@{}.{}".format, _LOCAL, _DOMAIN, _TOP), st.text("aZ0._+-@\n", max_size=12)))
def test_the_quick_test_accepts_only_what_the_full_one_sends_alike(text: str) -> None:
    """A row must fare the same whichever test it meets."""
    if ORDINARY.fullmatch(text):
        found = check_address(text)
        assert isinstance(found, Address)
        assert found.key == text.lower()


def test_the_quick_test_passes_ordinary_addresses() -> None:
    """A million full tests would cost most of a minute."""
    for text in ("ann@example.org", "Ann.Li+news@mail-7.example.co.uk", "a_b-c@x.io", "1@2.museum"):
        assert ORDINARY.fullmatch(text)


@given(st.emails())
def test_addresses_of_every_allowed_shape_have_one_key(text: str) -> None:
    """Letter case and the white space around an address make no other person."""
    found = read_address(text)
    if isinstance(found, Address):
        assert address_key(f" {text.upper()}\t") == address_key(text) == found.key


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (" Ann.Li@Example.org\t", "Ann.Li@Example.org"),
        ("\u200bann@example.org\ufeff\u00a0", "ann@example.org"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("ann@shop.test", "ann@shop.test"),
        ("ann@example.invalid", "ann@example.invalid"),
        ("jose\u0301@example.es", "josé@example.es"),
        ("ann@münchen.de", "ann@xn--mnchen-3ya.de"),
        ("ann@MÜNCHEN.DE", "ann@xn--mnchen-3ya.de"),
        ("ann@почта.рф", "ann@xn--80a1acny.xn--p1ai"),
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_what_is_sent(text: str, sent: str) -> None:
    """Trimmed, in NFC, the letter case kept; a domain with special characters in its ASCII form."""
    assert read_address(text) == Address(sent)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", RowFault.EMAIL_MISSING),
        (" \u200b\t", RowFault.EMAIL_MISSING),
        ("ann", RowFault.EMAIL_INVALID),
        ("@example.org", RowFault.EMAIL_INVALID),
        ("ann@localhost", RowFault.EMAIL_INVALID),
        ("ann@example.c", RowFault.EMAIL_INVALID),
        ("ann@10.0.0.1", RowFault.EMAIL_INVALID),
        ("ann@[10.0.0.1]", RowFault.EMAIL_INVALID),
        ('"a b"@example.org', RowFault.EMAIL_INVALID),
        ("Ann <ann@example.org>", RowFault.EMAIL_INVALID),
        ("a:n;n@example.org", RowFault.EMAIL_INVALID),
        ("a..b@example.org", RowFault.EMAIL_INVALID),
        ("ann@example..org", RowFault.EMAIL_INVALID),
        ("ann@-example.org", RowFault.EMAIL_INVALID),
        ("ann@" + "a" * 64 + ".org", RowFault.EMAIL_INVALID),
        ("ann@ab--cd.org", RowFault.EMAIL_INVALID),
        ("ann@ex_ample.org", RowFault.EMAIL_INVALID),
        ("ann@example.org\nbcc: x@example.org", RowFault.EMAIL_INVALID),
        ("a\u202enn@example.org", RowFault.EMAIL_INVALID),
        ("a\0nn@example.org", RowFault.EMAIL_INVALID),
        ("a" * 300 + "@example.org", RowFault.EMAIL_TOO_LONG),
        ("é" * 130 + "@example.org", RowFault.EMAIL_TOO_LONG),
        ("a" * 2_000_000, RowFault.EMAIL_TOO_LONG),
    ],
)
def test_what_is_refused(text: str, code: RowFault) -> None:
    """Each fault has its code and a sentence for a person."""
    found = read_address(text)
    assert isinstance(found, UnusableAddress)
    assert found.code is code
    assert found.reason.endswith(".")


def test_two_spellings_of_an_international_domain_are_one_person() -> None:
    """ActiveCampaign would see the same address twice."""
    assert address_key("Ann@MÜNCHEN.de") == address_key("ann@xn--mnchen-3ya.de") == "ann@xn--mnchen-3ya.de"


def test_an_invalid_address_has_a_key_and_no_address_has_none() -> None:
    """Invalid rows are told apart too; rows without an address cannot be."""
    assert address_key("  Not An Address ") == "not an address"
    assert address_key("   ") is None
