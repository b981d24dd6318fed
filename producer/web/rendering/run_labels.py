"""What the page calls everything about runs, and what it means: states, reasons, the words of the books, codes.

Every dictionary is over a closed set; a test holds them to it. Their texts are translated where they are shown.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from producer.web.rendering.navigation import N_
from wire.chunk_queue.run import Mode, RunState, Trigger


class Word(NamedTuple):
    """A label, how it is coloured, and a sentence of what it means."""

    label: str
    style: str
    meaning: str


STATES: Final = {
    RunState.QUEUED: Word(N_("queued"), "", N_("Waits for its turn; a list is exported to by one run at a time.")),
    RunState.SURVEYING: Word(
        N_("surveying"),
        "busy",
        N_("Reads the snapshot and compares it with what the list has. Nothing is sent before."),
    ),
    RunState.DELIVERING: Word(N_("delivering"), "busy", N_("Sends contacts, as fast as the account allows.")),
    RunState.CONFIRMING: Word(
        N_("confirming"), "busy", N_("Everything is sent. Waits for ActiveCampaign to say what became of it.")
    ),
    RunState.PAUSED: Word(
        N_("paused"),
        "warning",
        N_("Nothing is sent until somebody resumes it. What is accepted is followed all the same."),
    ),
    RunState.BLOCKED: Word(N_("blocked"), "bad", N_("Stands still until somebody acts. Nothing is lost.")),
    RunState.SUCCEEDED: Word(N_("succeeded"), "good", N_("Everything that was selected is applied.")),
    RunState.PARTIAL: Word(N_("partial"), "warning", N_("Not everything that was selected is applied.")),
    RunState.FAILED: Word(N_("failed"), "bad", N_("It could not be read to its end.")),
    RunState.CANCELLED: Word(N_("cancelled"), "", N_("It was ended. What was not under way was not sent.")),
    RunState.SUPERSEDED: Word(N_("superseded"), "", N_("A newer refresh took its place before it began.")),
}

DRY: Final = Word(N_("dry run"), "", N_("Nothing was sent: this is what would have been."))

TRIGGERS: Final = {
    Trigger.EVENT: N_("The segment was refreshed"),
    Trigger.SCHEDULE: N_("By its schedule"),
    Trigger.DEMAND: N_("By hand"),
}
RETRY: Final = N_("Retry of an earlier run")

MODES: Final = {Mode.CHANGES: N_("changes only"), Mode.FULL: N_("everybody anew")}

BOOKS: Final = {
    "selected": Word(N_("selected"), "selected", N_("new or changed: to be sent")),
    "unchanged": Word(N_("unchanged"), "unchanged", N_("on the list as they are: not sent")),
    "held_back": Word(
        N_("held back"), "held-back", N_("refused before and unchanged, opted out through us, or forgotten")
    ),
    "duplicate": Word(N_("duplicate"), "duplicate", N_("the address stands in an earlier row")),
    "invalid": Word(N_("invalid"), "invalid", N_("no contact can be made of the row")),
    "applied": Word(N_("applied"), "applied", N_("ActiveCampaign has done it")),
    "pending": Word(N_("pending"), "pending", N_("not sent yet, or not answered yet")),
    "unconfirmed": Word(N_("unconfirmed"), "unconfirmed", N_("sent, and ActiveCampaign never said what became of it")),
    "unsent": Word(N_("unsent"), "unsent", N_("never sent, since the run ended before")),
    "refused": Word(N_("refused"), "refused", N_("ActiveCampaign did not take the contact")),
}
READ: Final = ("selected", "unchanged", "held_back", "duplicate", "invalid")
"""What was read, in the order in which it is shown."""

SENT: Final = ("applied", "pending", "unconfirmed", "unsent", "refused")
"""What was selected, or leaves."""

FORESEEN: Final = {
    "adds": N_("new on the list"),
    "changes": N_("changed"),
    "again": N_("sent again without a change"),
    "leavers": N_("left the segment"),
    "leavers_waiting": N_("of those, still to be confirmed"),
}

NOTHING: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("adds", "changes", "again", "leavers", "leavers_waiting", "requests", "minutes"), 0),
    "invalid": {},
    "warnings": (),
    "contract": None,
}
"""What a forecast has, for those that were written by older versions."""

REMEDIES: Final = {
    "credentials": N_("Get a new API key from ActiveCampaign and enter it in the connection; the run then goes on."),
    "permission": N_("Use an administrator's key, or give the key's user the permission; the run then goes on."),
    "payment": N_("Settle the account with ActiveCampaign. It is looked at every 30 seconds, and goes on by itself."),
    "contract": N_(
        "Enlarge the account's contract or remove contacts there; or go on, and those beyond it are refused."
    ),
    "not_activecampaign": N_("Correct the host in the connection; the run then goes on."),
    "host_not_allowed": N_("Correct the host in the connection, or have an operator trust it."),
    "list_missing": N_("Choose another list in the export and cancel this run; or restore the list and resume."),
    "refuses_everything": N_("Ask ActiveCampaign's support with the request id in the worker's log, then resume."),
    "refuses_nearly_all": N_("Look at the contacts in the account. If they are to be refused, accept that and go on."),
    "unreadable_answers": N_(
        "Ask ActiveCampaign's support why answers cannot be read, and look whether the contacts are there. "
        "Then resume: contacts that may have been imported are sent again."
    ),
    "chunk_kills_workers": N_("Keep the workers' logs and report them, then accept it and go on."),
    "leavers_guard": N_(
        "Look at the segment. If all of them have left for good, accept it; if not, cancel the run: nobody is unsubscribed by it."
    ),
    "leavers_by_hand": N_(
        "Look at who would be unsubscribed. Accept it, or go on without them: they stay on the list, and are proposed again."
    ),
    "brake": N_("Look at the segment. If the change is meant, accept it and go on; if it is not, cancel the run."),
}
"""What to do about each cause of a block."""

CODES: Final = {
    "email_missing": N_("The row has no email address."),
    "email_invalid": N_("What stands in the row is no email address."),
    "email_too_long": N_("The email address is longer than ActiveCampaign takes."),
    "too_large": N_("The contact is larger than a request may be."),
    "refused_by_activecampaign": N_("ActiveCampaign refused the contact; its reason stands beside."),
    "opted_out_or_excluded": N_("ActiveCampaign left the contact out: unsubscribed, excluded, bounced, or not valid."),
    "left_and_unsubscribed": N_("We unsubscribed them when they left the segment; that is for ever."),
    "forgotten": N_("Forgotten at a person's wish, and never sent again."),
    "opted_out_under_another_address": N_("They said no under another address, and are sent under none."),
    "ambiguous_id": N_("Several addresses have their id: nobody can tell whose address has changed."),
    "update": N_("Known again: their contact is given the new address."),
    "check": N_("Known again: a new contact, unless they said no under the old address."),
}
"""What the codes of rejects mean."""

FATES: Final = {
    "invalid": N_("invalid"),
    "refused": N_("refused"),
    "held_back": N_("held back"),
    "changed_address": N_("changed address"),
}


class Act(NamedTuple):
    """Something that a person may do with a run: what is on the button, what is asked before, and what is true after."""

    button: str
    question: str
    consequence: str
    style: str


ACTS: Final = {
    "pause": Act(
        N_("Pause"),
        N_("Pause this run?"),
        N_("Nothing more is sent until somebody resumes it. Its deadline does not move."),
        "second",
    ),
    "resume": Act(
        N_("Resume"), N_("Resume this run?"), N_("It goes on where it stopped; nobody is sent twice for that."), ""
    ),
    "accept": Act(
        N_("Accept and go on"),
        N_("Accept what stopped this run, and go on?"),
        N_("You take it on yourself that the change is meant. What is sent cannot be taken back."),
        "danger",
    ),
    "decline": Act(
        N_("Go on without them"),
        N_("Go on, and unsubscribe nobody?"),
        N_(
            "Everybody else is sent. Those who left the segment stay on the list, and are proposed again by the next run."
        ),
        "second",
    ),
    "cancel": Act(
        N_("Cancel"),
        N_("Cancel this run?"),
        N_("What is not under way is not sent, and the run cannot be resumed. The next one sends what is missing."),
        "danger",
    ),
    "retry": Act(
        N_("Send the rest again"),
        N_("Open a run for those whom this one left?"),
        N_("Those who were refused, not confirmed or not sent are sent again, as the latest snapshot has them."),
        "second",
    ),
}
