"""Says of one person and one export where they stand and why, from what the record has of them. Pure.

What cannot be told from the record is `unknown`, never guessed: a person whom an export keeps on its list leaves no trace
when they leave the segment, and one who opts out is met only when they are sent again.
"""

from dataclasses import dataclass
from typing import Final, Literal

from producer.people.absence import Absence
from producer.people.traced import Trace
from wire.chunk_queue.membership_entry import MembershipEntry, MemberState
from wire.chunk_queue.rejects import RejectCode
from wire.chunk_queue.run import Mode, Run

InSnapshot = Literal["yes", "no", "unknown"]
EndedBy = Literal["us", "the_person_or_the_marketer"]
ExportAnswer = Literal[
    "forgotten",
    "on_the_way",
    "member",
    "refused",
    "maybe",
    "left",
    "out",
    "yielded",
    "waiting_to_leave",
    "moved",
    "held_back",
    "invalid",
    "not_sent",
    "never_sent",
]

_SENTENCES: Final[dict[ExportAnswer, str]] = {
    "forgotten": "Forgotten: nothing of them is kept, and they are never sent again.",
    "on_the_way": "On the way: a chunk that has them is not at its end.",
    "member": "ActiveCampaign has applied them, and they were on the list then. Later opt-outs are met when they are sent again.",
    "maybe": "Sent, and ActiveCampaign has not said what became of it: they are sent again when seen.",
    "left": "Gone from the segment: marked so in the export's field, and left on the list.",
    "out": "Gone from the segment, and unsubscribed by us: for ever, also if they return.",
    "yielded": "Gone from the segment, and left on the list, since another export has them there.",
    "waiting_to_leave": "Gone from the segment as of its last snapshot, and still on the list: unsubscribed when the next refresh"
    " agrees, or a person accepts it.",
    "moved": "Known under another address by now: the platform's id says that theirs has changed.",
    "not_sent": "Selected by a run that ended before ActiveCampaign had accepted them.",
}
_BY_ABSENCE: Final[dict[Absence, InSnapshot]] = {"present": "yes", "absent": "no", "doubtful": "unknown"}
_REFUSED: Final[dict[RejectCode | None, str]] = {
    None: "Refused by ActiveCampaign.",
    RejectCode.OPTED_OUT_OR_EXCLUDED: "Refused by ActiveCampaign: unsubscribed from the list, excluded, bounced, or not valid.",
    RejectCode.REFUSED_BY_ACTIVECAMPAIGN: "Refused by ActiveCampaign's rules.",
    RejectCode.TOO_LARGE: "Refused: more data than ActiveCampaign takes of one contact.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where somebody stands: `reason` is a code from a closed set, `why` a sentence, `ended_by` who ended a membership."""

    in_last_snapshot: InSnapshot
    standing: ExportAnswer
    reason: str | None
    why: str
    ended_by: EndedBy | None = None


def explain(trace: Trace, *, is_forgotten: bool) -> Explanation:
    """Explain a trace."""
    met = in_last_snapshot(trace)
    if trace.on_the_way:
        return Explanation(met, "on_the_way", None, _SENTENCES["on_the_way"])
    if trace.entry is not None and _waits_to_leave(trace, trace.entry):
        return Explanation(met, "waiting_to_leave", trace.absence, _SENTENCES["waiting_to_leave"])
    if trace.entry is not None:
        return _of_entry(trace.entry, met)
    if is_forgotten:
        return Explanation("unknown", "forgotten", None, _SENTENCES["forgotten"])
    newest = trace.lines[0] if trace.lines else None
    if newest is not None and newest.fate == "invalid":
        return Explanation(met, "invalid", newest.code, f"No contact can be made of them: {newest.reason}")
    if newest is not None and newest.is_former:
        return Explanation(met, "moved", None, _SENTENCES["moved"])
    if newest is not None and newest.fate in {"held_back", "refused"}:
        return Explanation(met, "held_back", newest.code, newest.reason)
    if trace.left_behind:
        place: ExportAnswer = "maybe" if trace.left_behind[0].maybe else "not_sent"
        return Explanation(met, place, None, _SENTENCES[place])
    return Explanation(met, "never_sent", None, _never_sent(trace, met))


def in_last_snapshot(trace: Trace) -> InSnapshot:
    """Whether the last run of the export met somebody in its snapshot, as far as the record tells."""
    last, entry = trace.last, trace.entry
    if last is None:
        return "unknown"
    if any(one.run == last.id and not one.leaving for one in trace.on_the_way):
        return "yes"
    if any(one.run == last.id and one.row is not None and not one.is_former for one in trace.lines):
        return "yes"
    gone = entry is not None and entry.standing in {MemberState.LEFT, MemberState.OUT, MemberState.YIELDED}
    if entry is not None and entry.run == last.number and not gone:
        return "yes"
    if any(one.run == last.id for one in trace.left_behind):
        return "unknown" if last.leaving else "yes"
    if not last.over or last.ending is not None or last.retry_of:
        return "unknown"  # not everybody whom it met has left a trace
    return _by_entry(trace, last)


def _by_entry(trace: Trace, last: Run) -> InSnapshot:
    """What the entry says, where the last run has come to its own end."""
    entry = trace.entry
    if entry is None or entry.standing in {MemberState.LEFT, MemberState.OUT, MemberState.YIELDED, MemberState.MAYBE}:
        return "no"  # met, they would have been sent or held back
    if entry.standing is MemberState.REFUSED:
        return "unknown"
    if last.spec.get("leavers") == "unsubscribe":
        return _BY_ABSENCE[trace.absence] if trace.absence else "unknown"
    if last.mode is Mode.FULL:
        return "no"
    return "unknown" if last.spec.get("leavers", "keep") == "keep" else "yes"


def _waits_to_leave(trace: Trace, entry: MembershipEntry) -> bool:
    return trace.absence in {"absent", "doubtful"} and entry.standing in {MemberState.MEMBER, MemberState.MAYBE}


def _of_entry(entry: MembershipEntry, met: InSnapshot) -> Explanation:
    match entry.standing:
        case MemberState.MEMBER:
            return Explanation(met, "member", None, _SENTENCES["member"])
        case MemberState.MAYBE:
            return Explanation(met, "maybe", None, _SENTENCES["maybe"])
        case MemberState.LEFT:
            return Explanation(met, "left", None, _SENTENCES["left"])
        case MemberState.OUT:
            return Explanation(met, "out", None, _SENTENCES["out"], "us")
        case MemberState.YIELDED:
            return Explanation(met, "yielded", None, _SENTENCES["yielded"])
        case MemberState.REFUSED:
            opted_out = entry.reason is RejectCode.OPTED_OUT_OR_EXCLUDED
            by: EndedBy | None = "the_person_or_the_marketer" if opted_out and entry.was_member else None
            return Explanation(met, "refused", entry.reason, _REFUSED[entry.reason], by)


def _never_sent(trace: Trace, met: InSnapshot) -> str:
    if not trace.has_run:
        return "No run of this export is on record."
    if met == "no":
        return "The last snapshot did not have them, and nothing of them is on record."
    return "Never sent, as far as the record goes."
