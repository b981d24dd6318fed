"""What becomes of a chunk after the answer to its import, one answer at a time."""

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.activecampaign.errors import (
    Because,
    NoUsableAnswer,
    ObjectNotFound,
    Reason,
    Refused,
    Rejected,
    Throttled,
    TooLarge,
    Trouble,
    Unavailable,
    Unreadable,
)
from wire.activecampaign.results import AcceptedImport
from wire.store import codec
from worker.verdict import (
    ChunkHistory,
    DeliveryFacts,
    DeliveryProgress,
    Done,
    ExcludedContacts,
    Later,
    Never,
    Refusal,
    RejectCode,
    Split,
    Stop,
    StopCode,
    Unsent,
    Waiting,
    judge_delivery,
)
from worker.verdict.delivery import MOST_UNREAD, MOST_UNREAD_LOOKS

FULL = DeliveryFacts(count=250)
ALONE = DeliveryFacts(count=1)
ACCEPTED = AcceptedImport("0641", 200, "abc")
NAMELESS = Rejected([Reason(None, "Invalid or unparsable json")])
SILENCE = NoUsableAnswer("TimeoutError")
UNREADABLE = Unreadable("HTTP 200, 0 bytes, text/html")
REFUSED = RejectCode.REFUSED_BY_ACTIVECAMPAIGN


def naming(*indexes: int) -> Rejected:
    return Rejected([Reason(index, f"reason {index}") for index in indexes])


def after(outcome: Trouble, facts: DeliveryFacts) -> ChunkHistory:
    verdict = judge_delivery(outcome, facts)
    assert isinstance(verdict, Later | Stop)
    return verdict.memory


def halved(outcome: Trouble, facts: DeliveryFacts) -> list[tuple[int, ...]]:
    verdict = judge_delivery(outcome, facts)
    assert isinstance(verdict, Split)
    return [part.positions for part in verdict.parts]


def test_accepted_is_done_with_the_batch_to_follow() -> None:
    """And nobody is refused where nobody was set aside."""
    assert judge_delivery(ACCEPTED, FULL) == Done("0641", (), ChunkHistory())


def test_whoever_was_set_aside_is_refused_when_the_rest_is_accepted() -> None:
    """Their reason is ActiveCampaign's own; the memory keeps no trace of them."""
    memory = ChunkHistory(
        rounds=1, attempts=1, troubles=2, aside=(ExcludedContacts(3, " Field 'email' "), ExcludedContacts(7, ""))
    )
    verdict = judge_delivery(ACCEPTED, replace(FULL, memory=memory))
    assert isinstance(verdict, Done)
    assert verdict.refused[0] == Refusal(3, REFUSED, "Field 'email'")
    assert (verdict.refused[1].position, bool(verdict.refused[1].reason)) == (7, True)
    assert verdict.memory == ChunkHistory(attempts=1)


@pytest.mark.parametrize(("retry_after", "delay"), [(30.0, 30.0), (None, 0.0)])
def test_a_throttle_costs_the_chunk_nothing(retry_after: float | None, delay: float) -> None:
    """However often it is heard: the gate is what waits."""
    facts = replace(FULL, memory=ChunkHistory(attempts=7))
    verdict = judge_delivery(Throttled(retry_after_seconds=retry_after), facts)
    assert verdict == Later(Waiting.THROTTLED, delay, facts.memory)


@pytest.mark.parametrize(
    ("error", "waiting"), [(SILENCE, Waiting.UNKNOWN_OUTCOME), (Unavailable(), Waiting.UNAVAILABLE)]
)
def test_silence_is_tried_again_later_and_counted(error: Trouble, waiting: Waiting) -> None:
    """The run's progress is noted with the first trouble, to tell an outage by."""
    verdict = judge_delivery(error, replace(FULL, progress=DeliveryProgress(500, 250), jitter=1.0))
    assert verdict == Later(waiting, 1.0, ChunkHistory(attempts=1, troubles=1, since=DeliveryProgress(500, 250)))


def test_the_backoff_grows_to_a_minute() -> None:
    """Half of it is the dice's."""
    delays = []
    for troubles in range(9):
        for jitter in (0.0, 1.0):
            memory = ChunkHistory(troubles=troubles)
            verdict = judge_delivery(SILENCE, replace(ALONE, memory=memory, jitter=jitter))
            assert isinstance(verdict, Later)
            delays.append(verdict.delay_seconds)
    assert delays[::2] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert delays[1::2] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_the_edge_may_ask_for_a_longer_wait() -> None:
    """Its JSON says so."""
    verdict = judge_delivery(Unavailable(retry_after_seconds=90.0), FULL)
    assert isinstance(verdict, Later)
    assert verdict.delay_seconds == 90.0


def test_a_request_that_was_never_sent_is_not_counted() -> None:
    """No chunk is to blame for a name that does not resolve; the backoff grows all the same."""
    facts = replace(
        FULL, memory=ChunkHistory(attempts=7, troubles=1, since=DeliveryProgress()), progress=DeliveryProgress(250)
    )
    unsent = NoUsableAnswer("ClientConnectorError", sent=False)
    assert after(unsent, facts) == replace(facts.memory, troubles=2)
    worn = replace(facts.memory, attempts=9)
    assert after(unsent, replace(facts, memory=worn)) == replace(worn, troubles=2)


def test_the_eighth_silence_halves_a_chunk_that_others_do_better_than() -> None:
    """The parts begin anew, but for the backoff."""
    memory = ChunkHistory(attempts=6, troubles=6, since=DeliveryProgress(0))
    facts = DeliveryFacts(count=5, memory=memory, progress=DeliveryProgress(250))
    assert after(SILENCE, facts).attempts == 7
    verdict = judge_delivery(SILENCE, replace(facts, memory=replace(memory, attempts=7)))
    assert isinstance(verdict, Split)
    assert [part.positions for part in verdict.parts] == [(0, 1), (2, 3, 4)]
    assert {part.memory for part in verdict.parts} == {ChunkHistory(troubles=7)}
    assert verdict.delay_seconds > 30


def test_an_outage_does_not_grind_chunks_down() -> None:
    """Where nothing of the run is accepted meanwhile, it takes four times as long before the chunk is suspected."""
    facts = replace(FULL, memory=ChunkHistory(attempts=30, since=DeliveryProgress(250)), progress=DeliveryProgress(250))
    assert after(SILENCE, facts).attempts == 31
    assert len(halved(SILENCE, replace(facts, memory=replace(facts.memory, attempts=31)))) == 2


def test_a_lone_contact_waits_in_silence_until_the_patience_is_over() -> None:
    """Silence refuses nobody."""
    memory = ChunkHistory(attempts=99, troubles=99, since=DeliveryProgress(0))
    facts = replace(ALONE, memory=memory, progress=DeliveryProgress(250))
    assert after(SILENCE, facts).attempts == 100
    assert judge_delivery(SILENCE, replace(facts, patience_over=True)) == Unsent(possibly_there=True)


@pytest.mark.parametrize(
    ("error", "attempts", "possibly_there"),
    [
        (Throttled(), 0, False),
        (Throttled(), 1, True),
        (NoUsableAnswer("ClientConnectorError", sent=False), 0, False),
        (SILENCE, 0, True),
        (UNREADABLE, 0, True),
        (Unavailable(), 0, True),
    ],
)
def test_when_the_patience_is_over_what_still_waits_is_unsent(
    error: Trouble,
    attempts: int,
    possibly_there: bool,  # noqa: FBT001  a table's column
) -> None:
    """And possibly there, where a request went out whose answer is missing."""
    facts = replace(FULL, patience_over=True, memory=ChunkHistory(attempts=attempts))
    assert judge_delivery(error, facts) == Unsent(possibly_there)


@pytest.mark.parametrize("because", list(Because))
@pytest.mark.parametrize("definite", [True, False])
def test_a_refusal_stops_the_connection_and_costs_the_chunk_nothing(because: Because, *, definite: bool) -> None:
    """Under the cause's own word, with a sentence for a person."""
    facts = replace(FULL, memory=ChunkHistory(attempts=3))
    verdict = judge_delivery(Refused(because, definite=definite), facts)
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code.value) == ("connection", because.value)
    assert (verdict.definite, verdict.by_hand, verdict.memory) == (definite, False, facts.memory)
    assert verdict.reason.endswith(".")


def test_a_missing_list_stops_the_run() -> None:
    """Other exports of the connection go on."""
    verdict = judge_delivery(ObjectNotFound(), FULL)
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code, verdict.definite) == ("run", StopCode.LIST_MISSING, True)


def test_what_is_too_large_is_halved_and_refused_when_alone() -> None:
    """Never both."""
    assert halved(TooLarge(), DeliveryFacts(count=3)) == [(0,), (1, 2)]
    verdict = judge_delivery(TooLarge(), ALONE)
    assert isinstance(verdict, Never)
    assert [(each.position, each.code) for each in verdict.refused] == [(0, RejectCode.TOO_LARGE)]


def test_the_named_are_set_aside_and_the_rest_is_sent_at_once() -> None:
    """Counted from 1, as probed."""
    verdict = judge_delivery(naming(230, 4), FULL)
    aside = (ExcludedContacts(3, "reason 4"), ExcludedContacts(229, "reason 230"))
    assert verdict == Later(Waiting.NAMED, 0.0, ChunkHistory(attempts=1, rounds=1, aside=aside))


def test_whoever_is_named_twice_is_set_aside_once_for_the_first_reason() -> None:
    """A contact may have two bad fields."""
    rejected = Rejected([Reason(4, "email"), Reason(4, "phone")])
    assert after(rejected, FULL).aside == (ExcludedContacts(3, "email"),)


def test_names_count_within_what_was_sent() -> None:
    """Those set aside before were not there to be counted."""
    facts = DeliveryFacts(count=6, memory=ChunkHistory(rounds=1, aside=(ExcludedContacts(1, "x"),)))
    assert after(naming(2), facts).aside == (ExcludedContacts(1, "x"), ExcludedContacts(2, "reason 2"))


@pytest.mark.parametrize(("index", "base", "position"), [(0, 0, 0), (6, 1, 5)])
def test_a_name_that_only_one_way_of_counting_has_tells_it(index: int, base: int, position: int) -> None:
    """0, or the length of the request."""
    memory = after(naming(index), DeliveryFacts(count=6))
    assert (memory.base, [aside.position for aside in memory.aside]) == (base, [position])


def test_who_was_set_aside_by_a_wrong_count_is_sent_again() -> None:
    """They were the neighbours of those meant; who is named now is known for certain."""
    supposed = after(naming(1), DeliveryFacts(count=6))
    assert [aside.position for aside in supposed.aside] == [0]
    told = after(naming(0), DeliveryFacts(count=6, memory=supposed))
    assert (told.base, [aside.position for aside in told.aside], told.rounds) == (0, [1], 2)


@pytest.mark.parametrize(("bad", "first_only"), [([3], True), ([2, 4], True), ([2, 3], False), ([1, 4, 5], False)])
def test_a_name_before_those_set_aside_tells_that_it_counts_from_0(bad: list[int], first_only: bool) -> None:  # noqa: FBT001  a table's column
    """Counted from 1 it would have been named before them, so the second answer about a chunk tells."""
    memory, named = ChunkHistory(), bad
    for _ in range(2):
        left_out = {aside.position for aside in memory.aside}
        sent = [position for position in range(8) if position not in left_out]
        named = [index for index, position in enumerate(sent) if position in bad]
        memory = after(naming(*named[:1] if first_only else named), DeliveryFacts(count=8, memory=memory))
    assert memory.base == 0
    assert {aside.position for aside in memory.aside} <= set(bad)


def test_a_name_behind_those_set_aside_tells_nothing() -> None:
    """So it is where only the first bad contact is named, counted from 1."""
    supposed = after(naming(2), DeliveryFacts(count=6))
    told = after(naming(2), DeliveryFacts(count=6, memory=supposed))
    assert (told.base, [aside.position for aside in told.aside]) == (None, [1, 2])


@pytest.mark.parametrize("indexes", [(0, 6), (7,), (-1,), (3, 99)])
def test_names_that_no_way_of_counting_has_name_nobody(indexes: tuple[int, ...]) -> None:
    """Nobody is set aside for them."""
    assert halved(naming(*indexes), DeliveryFacts(count=6)) == [(0, 1, 2), (3, 4, 5)]


def test_an_answer_that_counts_otherwise_than_the_one_before_names_nobody() -> None:
    """What was told is forgotten with it."""
    verdict = judge_delivery(naming(6), DeliveryFacts(count=6, memory=ChunkHistory(base=0)))
    assert isinstance(verdict, Split)
    assert {part.memory.base for part in verdict.parts} == {None}


def test_after_three_rounds_of_names_the_chunk_is_halved_and_who_was_named_stays_aside() -> None:
    """In their part: it has to be accepted without them, as nothing was proved against them yet."""
    memory = ChunkHistory(
        rounds=3, base=1, aside=(ExcludedContacts(0, "x"), ExcludedContacts(1, "y"), ExcludedContacts(5, "z"))
    )
    verdict = judge_delivery(naming(1), DeliveryFacts(count=8, memory=memory))
    assert isinstance(verdict, Split)
    assert [part.positions for part in verdict.parts] == [(0, 1, 2, 3), (4, 5, 6, 7)]
    assert [part.memory for part in verdict.parts] == [
        ChunkHistory(
            base=1, aside=(ExcludedContacts(0, "x"), ExcludedContacts(1, "y"), ExcludedContacts(2, "reason 1"))
        ),
        ChunkHistory(base=1, aside=(ExcludedContacts(1, "z"),)),
    ]


def test_a_part_of_nobody_but_those_set_aside_is_sent_with_all_of_them() -> None:
    """There would be nothing to send."""
    memory = ChunkHistory(rounds=3, base=1, aside=(ExcludedContacts(0, "x"), ExcludedContacts(2, "y")))
    verdict = judge_delivery(naming(1), DeliveryFacts(count=4, memory=memory))
    assert isinstance(verdict, Split)
    assert [part.memory.aside for part in verdict.parts] == [(), (ExcludedContacts(0, "y"),)]


def test_when_all_are_named_nothing_would_prove_it() -> None:
    """So it is halved, down to each alone."""
    assert halved(naming(1, 2), DeliveryFacts(count=2)) == [(0,), (1,)]


@pytest.mark.parametrize("index", [0, 1, 99])
def test_a_lone_contact_that_is_named_is_refused_whatever_its_number(index: int) -> None:
    """Nobody else can be meant."""
    assert judge_delivery(naming(index), ALONE) == Never((Refusal(0, REFUSED, f"reason {index}"),))


def test_nearly_all_named_judges_the_account() -> None:
    """Of 20 or more, over 90 %: a person must say that they believe it."""
    verdict = judge_delivery(naming(*range(1, 20)), DeliveryFacts(count=20))
    assert isinstance(verdict, Stop)
    assert (verdict.scope, verdict.code, verdict.by_hand) == ("run", StopCode.REFUSES_NEARLY_ALL, True)
    assert "19 of 20" in verdict.reason
    assert isinstance(judge_delivery(naming(*range(1, 19)), DeliveryFacts(count=20)), Later)
    assert isinstance(judge_delivery(naming(*range(1, 19)), DeliveryFacts(count=19)), Later)


def test_a_person_who_believes_it_is_believed() -> None:
    """All at once, each for their own reason."""
    verdict = judge_delivery(naming(*range(1, 21)), DeliveryFacts(count=20, trusted=True))
    assert isinstance(verdict, Never)
    assert [refusal.position for refusal in verdict.refused] == list(range(20))
    assert isinstance(judge_delivery(naming(*range(1, 20)), DeliveryFacts(count=20, trusted=True)), Later)


def test_a_refusal_without_names_halves() -> None:
    """The halves know that they are, and how far the run was."""
    verdict = judge_delivery(NAMELESS, DeliveryFacts(count=4, progress=DeliveryProgress(9)))
    assert isinstance(verdict, Split)
    assert {part.memory for part in verdict.parts} == {ChunkHistory(nameless=1, since=DeliveryProgress(9))}


def test_a_contact_that_was_always_alone_is_refused_without_a_name() -> None:
    """Alone and refused is refused."""
    assert judge_delivery(NAMELESS, ALONE) == Never((Refusal(0, REFUSED, "Invalid or unparsable json"),))
    assert isinstance(judge_delivery(Rejected(), ALONE), Never)


def test_a_part_that_is_alone_is_refused_only_when_something_of_the_run_was_accepted_since() -> None:
    """Both halves refused without a name are a stop, not two contacts."""
    part = ChunkHistory(nameless=1, since=DeliveryProgress(0))
    doubt = judge_delivery(NAMELESS, DeliveryFacts(count=1, memory=part))
    assert isinstance(doubt, Stop)
    assert (doubt.scope, doubt.code, doubt.definite) == ("run", StopCode.REFUSES_EVERYTHING, False)
    assert isinstance(
        judge_delivery(NAMELESS, DeliveryFacts(count=1, memory=part, progress=DeliveryProgress(1))), Never
    )
    assert isinstance(judge_delivery(NAMELESS, DeliveryFacts(count=1, memory=part, trusted=True)), Never)


def test_a_quarter_refused_without_a_name_is_a_stop_unless_something_was_accepted_since() -> None:
    """Its turn came after both halves, and neither was accepted."""
    half, quarter = (
        ChunkHistory(nameless=1, since=DeliveryProgress(0)),
        ChunkHistory(nameless=2, since=DeliveryProgress(0)),
    )
    assert isinstance(judge_delivery(NAMELESS, DeliveryFacts(count=125, memory=half)), Split)
    assert isinstance(judge_delivery(NAMELESS, DeliveryFacts(count=62, memory=quarter)), Stop)
    assert isinstance(
        judge_delivery(NAMELESS, DeliveryFacts(count=62, memory=quarter, progress=DeliveryProgress(1))), Split
    )
    assert isinstance(judge_delivery(NAMELESS, DeliveryFacts(count=62, memory=quarter, trusted=True)), Split)


MEMORIES = st.builds(
    ChunkHistory,
    attempts=st.integers(0, 9),
    troubles=st.integers(0, 9),
    lost=st.integers(0, 3),
    rounds=st.integers(0, 3),
    nameless=st.integers(0, 3),
    base=st.sampled_from([None, 0, 1]),
    aside=st.lists(st.builds(ExcludedContacts, st.integers(0, 249), st.text(max_size=9)), max_size=3).map(tuple),
    since=st.none() | st.builds(DeliveryProgress, st.integers(0, 9), st.integers(0, 9)),
)


@given(MEMORIES)
def test_a_memory_survives_its_record(memory: ChunkHistory) -> None:
    """As JSON, and an untried chunk as nothing."""
    assert ChunkHistory.read(codec.decode(codec.encode(memory.document()))) == memory
    assert ChunkHistory().document() == {}


def test_no_verdict_prints_what_activecampaign_said_of_a_contact() -> None:
    """Verdicts are logged."""
    rejected = Rejected([Reason(1, "ann@example.org is not valid")])
    assert "ann" not in repr(judge_delivery(rejected, FULL)) + repr(judge_delivery(rejected, ALONE))


@pytest.mark.parametrize("count", [1, 2, 250])
def test_answers_that_cannot_be_read_are_three_for_a_chunk_of_any_size(count: int) -> None:
    """It is sent again whole; the third stops the run, without asking whether a person believes anything."""
    facts = DeliveryFacts(count=count, progress=DeliveryProgress(500, 250))
    waits = []
    for unread in (0, 1):
        verdict = judge_delivery(UNREADABLE, replace(facts, unread=unread))
        assert isinstance(verdict, Later)
        assert (verdict.waiting, verdict.memory) == (
            Waiting.UNKNOWN_OUTCOME,
            ChunkHistory(attempts=1, since=DeliveryProgress(500, 250)),
        )
        waits.append(verdict.delay_seconds)
    assert waits == [3.0, 12.0]
    stop = judge_delivery(UNREADABLE, replace(facts, unread=2))
    assert isinstance(stop, Stop)
    assert (stop.scope, stop.code, stop.by_hand, stop.asks) == ("run", StopCode.UNREADABLE_ANSWERS, True, False)
    assert "HTTP 200, 0 bytes, text/html" in stop.reason


def test_no_number_of_answers_that_cannot_be_read_halves_a_chunk() -> None:
    """However long it was in trouble before."""
    worn = replace(
        FULL, memory=ChunkHistory(attempts=99, troubles=99, since=DeliveryProgress(0)), progress=DeliveryProgress(250)
    )
    for unread in range(5):
        assert isinstance(judge_delivery(UNREADABLE, replace(worn, unread=unread)), Later | Stop)


def test_the_scripts_and_the_verdicts_have_the_same_bound() -> None:
    """The last sending is the one before which a harmless question is asked."""
    scripts = Path(str(files("wire.chunk_queue"))) / "lua" / "lib"
    assert f"local LAST_SENDING = {MOST_UNREAD} " in (scripts / "taking.lua").read_text()
    assert "local ROW = 3\n" in (scripts / "unread.lua").read_text()
    assert MOST_UNREAD_LOOKS > 3 + 1, "the third in a row blocks the connection, and the next is a probe"
