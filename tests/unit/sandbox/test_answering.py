"""The order in which the sandbox judges a call, and whether a call was done before its fault."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox.answering import Manner, reply
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.faults import Fault
from tests.sandbox.settings import Settings
from tests.sandbox.switches import Switches, changed
from tests.sandbox.world import Call, World

T0 = 1_700_000_000.0
NOT_DONE = {
    *(Fault.LOGIN_PAGE, Fault.EMPTY, Fault.UNAUTHORIZED, Fault.PAYMENT_REQUIRED, Fault.FORBIDDEN, Fault.THROTTLED),
    *(Fault.INTERNAL_ERROR, Fault.BAD_GATEWAY, Fault.UNAVAILABLE, Fault.RESET_BEFORE),
    *(Fault.OUTAGE_PAGE, Fault.LAPSED),
}


def _world(**wishes: object) -> World:
    return World(Settings(key="k", switches=changed(Switches(), wishes)))


def _import(*emails: str, at: float = 0.0, key: str = "k") -> Call:
    contacts = [{"email": email, "subscribe": [{"listid": 12}]} for email in emails]
    return Call(Endpoint.IMPORT, T0 + at, key=key, document={"contacts": contacts}, body_bytes=100)


def _me(at: float = 0.0) -> Call:
    return Call(Endpoint.ME, T0 + at, key="k")


def _body(world: World, call: Call) -> Any:
    return reply(world, call).answer.body


@pytest.mark.parametrize("fault", list(Fault))
def test_whether_an_import_was_done_before_its_fault(fault: Fault) -> None:
    """As the table says that heads the module."""
    world = _world(faults=[fault.value])
    replied = reply(world, _import("a@example.org", "b@example.org"))
    assert replied.fault is fault
    assert len(world.journal.imports) == (0 if fault in NOT_DONE else 1)


def test_faults_that_are_no_answer_say_how_the_answer_is_written() -> None:
    """The gateway acts on these."""
    manners = {fault: reply(_world(faults=[fault.value]), _me()).manner for fault in Fault}
    special = {fault: manner for fault, manner in manners.items() if manner is not Manner.WHOLE}
    assert special == {
        Fault.RESET_BEFORE: Manner.RESET,
        Fault.RESET_AFTER: Manner.RESET,
        Fault.CUT: Manner.CUT,
        Fault.SILENCE: Manner.SILENCE,
        Fault.EMPTY_BODY: Manner.BARE,
        Fault.UTF_16: Manner.UTF_16,
    }


def test_a_wrong_key_is_answered_first_and_uses_no_allowance() -> None:
    """It belongs to no account."""
    world = _world(requests_per_second=1)
    assert reply(world, _import("a@example.org", key="wrong")).answer.status == 403
    world.flip({"bad_key": "401"})
    assert reply(world, _import("a@example.org", key="")).answer.status == 401
    world.flip({"bad_key": "login_page"})
    page = reply(world, _import("a@example.org", key="")).answer
    assert page.status == 200
    assert str(page.body).startswith("<!DOCTYPE html>")
    assert reply(world, _me()).answer.status == 200


@pytest.mark.parametrize(
    ("throttle", "import_status", "call_status"), [("400", 400, 429), (429, 429, 429), (503, 503, 503)]
)
def test_too_much_is_answered_as_the_switch_says_and_recorded(
    throttle: object, import_status: int, call_status: int
) -> None:
    """The importer's own 400 is for its own limits."""
    world = _world(throttle=throttle, imports_per_minute=1, requests_per_second=2)
    assert reply(world, _import("a@example.org", "b@example.org")).answer.status == 200
    throttled = reply(world, _import("a@example.org", "b@example.org", at=0.1)).answer
    assert throttled.status == import_status
    assert reply(world, _me(0.2)).answer.status == 200
    assert reply(world, _me(0.3)).answer.status == call_status
    assert [(one.limit.value, one.time) for one in world.journal.violations] == [
        ("imports_per_minute", T0 + 0.1),
        ("requests_per_second", T0 + 0.3),
    ]
    if import_status == 400:
        assert "Retry-After" not in throttled.headers
        assert isinstance(throttled.body, dict)
        assert throttled.body["message"] == "Rate limit exceeded."


def test_an_import_of_one_contact_has_a_limit_of_its_own() -> None:
    """And says so in its reason."""
    world = _world(single_imports_per_minute=1)
    assert reply(world, _import("a@example.org")).answer.status == 200
    refused = _body(world, _import("b@example.org", at=1))
    assert refused["failureReasons"][0].startswith("Up to 1 imports")
    assert reply(world, _import("b@example.org", "c@example.org", at=2)).answer.status == 200


def test_retry_after_comes_as_seconds_as_a_date_or_not_at_all() -> None:
    """A date is rounded up to whole seconds."""
    world = _world(throttle=429, requests_per_second=1, retry_after_seconds=4.5)
    reply(world, _me())
    assert reply(world, _me(0.1)).answer.headers == {"Retry-After": "5"}
    world.flip({"retry_after": "date"})
    told = parsedate_to_datetime(reply(world, _me(0.2)).answer.headers["Retry-After"])
    assert told.timestamp() == T0 + 5
    world.flip({"retry_after": "absent"})
    assert reply(world, _me(0.3)).answer.headers == {}


def test_impatience_is_recorded_or_refused_where_it_is_policed() -> None:
    """It is no violation: there was room."""
    world = _world(faults=["throttled:x1"], retry_after_seconds=10, throttle=429, police_retry_after="record")
    assert reply(world, _me()).answer.status == 429
    assert reply(world, _me(4)).answer.status == 200
    world.flip({"police_retry_after": "refuse"})
    refused = reply(world, _me(6)).answer
    assert (refused.status, refused.headers["Retry-After"]) == (429, "4")
    assert reply(world, _me(10)).answer.status == 200
    assert [(one.time - T0, one.left_seconds) for one in world.journal.impatience] == [(4, 6), (6, 4)]
    assert world.journal.violations == []


def test_naming_a_rule_again_deals_it_anew_and_other_switches_do_not() -> None:
    """Three more may be asked for in the same words."""
    world = _world(faults=["forbidden:x1"], requests_per_second=None)
    statuses = [reply(world, _me()).answer.status, reply(world, _me()).answer.status]
    world.flip({"administrator": False})
    statuses.append(reply(world, _me()).answer.status)
    world.flip({"faults": ["forbidden:x1"]})
    statuses.append(reply(world, _me()).answer.status)
    assert statuses == [403, 200, 200, 403]


def test_an_accepted_import_answers_as_documented_or_oddly() -> None:
    """The batch id is what counts."""
    world = _world()
    plain = _body(world, _import("a@example.org", "b@example.org"))
    assert set(plain) == {"Success", "queued_contacts", "batchId", "message"}
    assert (plain["Success"], plain["queued_contacts"]) == (1, 2)
    world.flip({"success_key": "success", "odd_counts": True})
    odd = _body(world, _import("a@example.org", "b@example.org", at=1))
    assert (odd["success"], odd["queued_contacts"]) == (5, 1)


def test_a_request_that_is_too_large_is_refused_by_413_or_400() -> None:
    """Its limit is 399,999 bytes."""
    world = _world()
    call = _import("a@example.org", "b@example.org")
    for size, wish, status in ((399_999, "413", 200), (400_000, "413", 413), (400_000, "400", 400)):
        world.flip({"too_large": wish})
        sized = Call(Endpoint.IMPORT, T0, key="k", document=call.document, body_bytes=size)
        assert reply(world, sized).answer.status == status


def test_asking_after_a_batch_tells_its_state_and_its_names() -> None:
    """A batch that nobody knows is not found; one that is not named is a bad request."""
    world = _world(batch_seconds=6)
    batch_id = _body(world, _import("a@example.org", "o'b@example.org"))["batchId"]

    def ask(at: float, **query: str) -> Any:
        return reply(world, Call(Endpoint.INFO, T0 + at, key="k", query=query)).answer

    assert ask(0.5, batchId=batch_id).body == {"status": False}
    assert ask(5, batchId=batch_id).body == {"status": "active", "success": [], "failure": []}
    assert ask(6, batchId=batch_id).body == {"status": "completed", "success": ["1"], "failure": ["o'b@example.org"]}
    assert ask(7, batchId="other").status == 404
    assert ask(8).body == {"success": 0, "message": "'batchId' is a required field."}
    overview = _body(world, Call(Endpoint.IMPORTS, T0 + 9, key="k"))
    assert overview == {
        "outstanding": [],
        "recentlyCompleted": [{"forDate": "2023-11-14", "batches": "1", "contacts": "2"}],
    }
