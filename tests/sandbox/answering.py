"""What becomes of a call, in the account's order: key, limits, faults, deed. Pure but for the account it changes; no HTTP.

Whether a call was done before its fault, by fault:

    not done   login_page outage_page empty unauthorized payment_required lapsed forbidden throttled 500 502 503 reset_before
    done       504 (the edge gave up, the account did not) reset_after cut silence empty_body utf16
"""

from dataclasses import dataclass
from enum import Enum

from tests.sandbox import answers
from tests.sandbox.answers import Answer
from tests.sandbox.calls import HANDLERS
from tests.sandbox.endpoints import Endpoint
from tests.sandbox.faults import Fault
from tests.sandbox.journal import Impatience, Violation
from tests.sandbox.limits import Limit, Weight
from tests.sandbox.switches import Police
from tests.sandbox.validation import contact_count
from tests.sandbox.world import Call, World


class Manner(Enum):
    """How an answer is written: whole, half of its JSON, without a body, in UTF-16, after a long silence, or not at all."""

    WHOLE = "whole"
    CUT = "cut"
    BARE = "bare"
    UTF_16 = "utf16"
    SILENCE = "silence"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, how it is to be written, and the fault that had a hand in it."""

    answer: Answer
    manner: Manner = Manner.WHOLE
    fault: Fault | None = None


def reply(world: World, call: Call) -> Reply:
    """Take one call."""
    world.importer.advance(call.now)
    if call.key not in {world.settings.key, *world.settings.other_keys}:
        return Reply(answers.wrong_key(world.switches.bad_key))
    refused = _impatient(world, call) or _too_many(world, call)
    if refused is not None:
        return Reply(refused)
    fault = world.faults.deal(call.endpoint)
    return Reply(_do(world, call)) if fault is None else _faulty(world, call, fault)


def weigh(call: Call) -> Weight:
    """By which limits a call is counted."""
    if call.endpoint is not Endpoint.IMPORT:
        return Weight.CALL
    return Weight.SINGLE_IMPORT if contact_count(call.document) == 1 else Weight.IMPORT


def _faulty(world: World, call: Call, fault: Fault) -> Reply:
    match fault:
        case Fault.RESET_BEFORE:
            return Reply(answers.UNREAD, Manner.RESET, fault)
        case Fault.RESET_AFTER:
            return Reply(_do(world, call), Manner.RESET, fault)
        case Fault.CUT:
            return Reply(_do(world, call), Manner.CUT, fault)
        case Fault.SILENCE:
            return Reply(_do(world, call), Manner.SILENCE, fault)
        case Fault.EMPTY_BODY:
            return Reply(_do(world, call), Manner.BARE, fault)
        case Fault.UTF_16:
            return Reply(_do(world, call), Manner.UTF_16, fault)
        case Fault.THROTTLED:
            return Reply(_throttled(world, call, _first_limit(call)), fault=fault)
        case Fault.GATEWAY_TIMEOUT:
            _do(world, call)
            return Reply(answers.instead(fault, world.switches), fault=fault)
        case (
            Fault.LOGIN_PAGE
            | Fault.EMPTY
            | Fault.UNAUTHORIZED
            | Fault.PAYMENT_REQUIRED
            | Fault.FORBIDDEN
            | Fault.INTERNAL_ERROR
            | Fault.BAD_GATEWAY
            | Fault.UNAVAILABLE
            | Fault.OUTAGE_PAGE
            | Fault.LAPSED
        ):
            return Reply(answers.instead(fault, world.switches), fault=fault)


def _do(world: World, call: Call) -> Answer:
    return HANDLERS[call.endpoint](world, call)


def _impatient(world: World, call: Call) -> Answer | None:
    police = world.switches.police_retry_after
    left = world.limits.promised_seconds(call.now)
    if police is Police.OFF or left == 0:
        return None
    world.journal.impatience.append(Impatience(call.now, call.endpoint, left))
    if police is Police.RECORD:
        return None
    return answers.throttled(_first_limit(call), world.switches, call.now, left)


def _too_many(world: World, call: Call) -> Answer | None:
    exceeded = world.limits.ask(weigh(call), call.now)
    if exceeded is None:
        return None
    world.journal.violations.append(Violation(call.now, exceeded.limit, call.endpoint, exceeded.wait_seconds))
    return _throttled(world, call, exceeded.limit)


def _throttled(world: World, call: Call, limit: Limit) -> Answer:
    seconds = world.switches.retry_after_seconds
    answer = answers.throttled(limit, world.switches, call.now, seconds)
    world.limits.promise(answers.promised_until(answer, call.now, seconds))
    return answer


def _first_limit(call: Call) -> Limit:
    return Limit.IMPORTS if call.endpoint is Endpoint.IMPORT else Limit.REQUESTS
