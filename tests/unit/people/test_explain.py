"""Every fate has a sentence, and what the record cannot tell is said to be unknown."""

from dataclasses import replace
from typing import Any

import pytest

from producer.people.explain import explain, in_last_snapshot
from producer.people.traced import LeftBehind, OnTheWay, ReportLine, Trace
from tests.unit.records import NOW, a_run
from wire.chunk_queue.membership_entry import MembershipEntry, MemberState
from wire.chunk_queue.rejects import RejectCode
from wire.store import codec

LAST = a_run(surveyed=NOW, finished=NOW, number=3)
NOTHING = Trace("12", None, LAST, None, (), (), (), (), has_run=True)


def known(standing: MemberState, **said: Any) -> Trace:
    """A trace with an entry of the run before the last."""
    return replace(NOTHING, entry=MembershipEntry(standing, **{"run": 2, **said}), sent_in="r0")


@pytest.mark.parametrize("standing", MemberState)
def test_every_standing_is_explained(standing: MemberState) -> None:
    """Each by a word of its own, with a sentence."""
    told = explain(known(standing), is_forgotten=False)
    assert told.standing == standing.name.lower()
    assert told.why.endswith(".")
    assert told.ended_by == ("us" if standing is MemberState.OUT else None)


@pytest.mark.parametrize("reason", RejectCode)
@pytest.mark.parametrize("was_member", [True, False])
def test_only_a_member_who_is_refused_as_opted_out_ended_a_membership(*, reason: RejectCode, was_member: bool) -> None:
    """Whether it was the person or the marketer, ActiveCampaign does not say."""
    told = explain(known(MemberState.REFUSED, reason=reason, was_member=was_member), is_forgotten=False)
    ended = was_member and reason is RejectCode.OPTED_OUT_OR_EXCLUDED
    assert (told.reason, told.ended_by) == (reason, "the_person_or_the_marketer" if ended else None)


def test_without_an_entry_there_is_what_else_is_known() -> None:
    """The newest comes first."""
    line = ReportLine("r1", "invalid", "email_invalid", "No at-sign.", 7)
    chunk = OnTheWay("r1", "0", "accepted", "b1", leaving=False)
    assert explain(replace(NOTHING, on_the_way=(chunk,)), is_forgotten=True).standing == "on_the_way"
    assert explain(NOTHING, is_forgotten=True).standing == "forgotten"
    assert explain(replace(NOTHING, lines=(line,)), is_forgotten=False).standing == "invalid"
    for maybe, standing in ((True, "maybe"), (False, "not_sent")):
        assert (
            explain(replace(NOTHING, left_behind=(LeftBehind("r1", maybe),)), is_forgotten=False).standing == standing
        )
    assert explain(NOTHING, is_forgotten=False).standing == "never_sent"
    assert explain(replace(NOTHING, last=None, has_run=False), is_forgotten=False).why.startswith("No run")


def test_whether_the_last_snapshot_had_somebody_is_never_guessed() -> None:
    """An export that keeps those who left has no note of it."""
    marking = replace(LAST, spec=codec.decode(codec.encode(dict(LAST.spec) | {"leavers": "field"})))
    member = known(MemberState.MEMBER)
    assert in_last_snapshot(member) == "unknown"
    assert in_last_snapshot(known(MemberState.MEMBER, run=3)) == "yes"
    assert in_last_snapshot(replace(member, last=marking)) == "yes"
    assert in_last_snapshot(replace(member, last=None)) == "unknown"
    assert in_last_snapshot(replace(member, last=replace(marking, retry_of="r0"))) == "unknown"
    assert in_last_snapshot(NOTHING) == "no"
    assert in_last_snapshot(replace(NOTHING, last=replace(LAST, finished=None))) == "unknown"
    assert in_last_snapshot(known(MemberState.LEFT, run=3)) == "no"
    held = replace(known(MemberState.REFUSED), lines=(ReportLine("r1", "held_back", "", "", 1),))
    assert in_last_snapshot(held) == "yes"
