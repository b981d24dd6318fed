"""The sandbox takes a bulk request whole or not at all, by the vendor's published rules."""

from typing import Any

import pytest

from tests.sandbox.switches import Dotless, Switches, changed
from tests.sandbox.validation import Refused, Taken, is_plausible, validate

GOOD: dict[str, Any] = {
    "email": "ann@example.org",
    "first_name": "Ann",
    "last_name": "Li",
    "phone": "+442079460000",
    "tags": ["spring"],
    "fields": [{"id": 7, "value": "Gold"}, {"id": "8", "value": "||a||b||"}],
    "subscribe": [{"listid": 12}, {"listid": "4"}],
    "unsubscribe": [{"listid": 3}],
    "exclude_automations": True,
}


def _reasons(document: object, **wishes: object) -> list[Any]:
    match validate(document, changed(Switches(), wishes)):
        case Refused(failure_reasons):
            return failure_reasons
        case Taken():
            raise AssertionError("it was taken")


def _taken(document: object, **wishes: object) -> Taken:
    verdict = validate(document, changed(Switches(), wishes))
    assert isinstance(verdict, Taken), verdict
    return verdict


@pytest.mark.parametrize(
    "email",
    [
        "ann@example.org",
        "ann+tag@sub.example.co.uk",
        "o'hara@example.com",
        "Ünïcode@exämple.org",
        "x@xn--e1aybc.xn--p1ai",
        "a!#$%&*=?^_`{|}~/-.b@example.org",
    ],
)
def test_addresses_that_pass_the_post(email: str) -> None:
    """Some of them fail later."""
    assert is_plausible(email)


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "@example.org",
        "ann@",
        "ann@example",
        "ann@example.c",
        "ann@example.1c",
        "ann@example.org.",
        "ann@exam_ple.org",
        "ann@exam ple.org",
        "ann@example.org ",
        "ann@@example.org",
        *(f"an{bad}n@example.org" for bad in '"(),:;<>@[\\]'),
    ],
)
def test_addresses_that_do_not(email: str) -> None:
    """By the rules: no empty local part, none of twelve signs in it, a dot and two letters at the end."""
    assert not is_plausible(email)


def test_a_domain_without_a_dot_is_refused_now_or_by_switch_later() -> None:
    """The rules and an example contradict each other."""
    assert not is_plausible("x@invalidDomain")
    assert is_plausible("x@invalidDomain", Dotless.LATER)
    assert not is_plausible("x@invalid_Domain", Dotless.LATER)


def test_everything_documented_is_read() -> None:
    """Ids may be numbers or strings."""
    (contact,) = _taken({"contacts": [GOOD]}).contacts
    assert contact.details.email == "ann@example.org"
    assert (contact.details.first_name, contact.details.last_name) == ("Ann", "Li")
    assert contact.details.phone == "+442079460000"
    assert contact.details.tags == ("spring",)
    assert contact.details.fields == ((7, "Gold"), (8, "||a||b||"))
    assert (contact.subscribe, contact.unsubscribe, contact.automations) == ((12, 4), (3,), False)


def test_a_key_in_the_wrong_case_is_dropped_without_a_word_and_counted() -> None:
    """This is how names get lost on the real account."""
    taken = _taken({"contacts": [{"email": "a@example.org", "firstName": "Ann"}], "Callback": {}})
    assert taken.contacts[0].details.first_name is None
    assert taken.dropped_keys == {"firstName": 1, "Callback": 1}


def test_one_bad_contact_and_none_is_taken() -> None:
    """Every bad one is named, counted from 1."""
    contacts = [GOOD, {"email": "bad"}, GOOD, {"first_name": "Ann"}, "no object"]
    reasons = _reasons({"contacts": contacts})
    assert [reason["contact"] for reason in reasons] == [2, 4, 5]
    assert reasons[0]["failureReason"] == "Field 'email' incorrect format"


def test_only_the_first_may_be_named_and_counting_may_begin_at_0() -> None:
    """Both are unknown, so both are switches."""
    document = {"contacts": [GOOD, {"email": "bad"}, {"email": "bad"}]}
    assert [reason["contact"] for reason in _reasons(document, named="first")] == [2]
    assert [reason["contact"] for reason in _reasons(document, index_base=0)] == [1, 2]


@pytest.mark.parametrize(
    "bad",
    [
        {"subscribe": {"listid": 12}},
        {"subscribe": [12]},
        {"subscribe": [{"listid": "x"}]},
        {"fields": [{"id": 7}]},
        {"fields": [{"value": "x"}]},
        {"tags": "spring"},
        {"tags": [1]},
        {"first_name": ["Ann"]},
    ],
)
def test_values_of_the_wrong_shape_are_refused_by_contact(bad: dict[str, Any]) -> None:
    """The reason names the field."""
    (reason,) = _reasons({"contacts": [GOOD | bad]})
    assert reason == {"contact": 1, "failureReason": f"Field '{next(iter(bad))}' incorrect format"}


def test_a_request_that_cannot_be_read_is_refused_with_plain_reasons() -> None:
    """Strings where contacts are named otherwise."""
    assert _reasons(None) == ["Invalid or unparsable json"]
    assert _reasons({"contacts": []}) == ["'contacts' is a required field."]
    assert _reasons({"contacts": [GOOD] * 251}) == ["Up to 250 contacts may be included in one request."]
    assert len(_taken({"contacts": [GOOD] * 250}).contacts) == 250


def test_addresses_can_be_refused_though_they_keep_every_rule() -> None:
    """By a regular expression."""
    document = {"contacts": [GOOD, GOOD | {"email": "hostile+1@example.org"}]}
    assert [reason["contact"] for reason in _reasons(document, refuse_at_post=r"^hostile\+")] == [2]


@pytest.mark.parametrize("top", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_automations_are_excluded_where_the_account_believes_it(top: bool, inside: bool) -> None:  # noqa: FBT001 - cases
    """At either place by default."""
    document = {"contacts": [GOOD | {"exclude_automations": inside}], "exclude_automations": top}
    runs = {
        place: _taken(document, exclude_automations_at=place).contacts[0].automations
        for place in ("either", "top", "contact", "both")
    }
    assert runs == {"either": not (top or inside), "top": not top, "contact": not inside, "both": not (top and inside)}
