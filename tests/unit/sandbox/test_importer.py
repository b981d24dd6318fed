"""The sandbox's batches on a clock that the test moves: their states, what they apply, and how they get lost."""

from typing import Any

import pytest

from tests.sandbox.account import Account, Details, Incoming
from tests.sandbox.importer import Batch, Importer, State
from tests.sandbox.switches import Switches, changed

T0 = 1_700_000_000.0


def _importer(**wishes: Any) -> Importer:
    account = Account(((12, "Newsletter"),), ())
    return Importer(account, changed(Switches(), {"batch_seconds": "6", "false_seconds": 1} | wishes), seed=1)


def _contacts(*names: str) -> list[Incoming]:
    return [Incoming(Details(f"{name}@example.org"), subscribe=(12,)) for name in names]


def _status(importer: Importer, batch: Batch, after_seconds: float) -> object:
    importer.advance(T0 + after_seconds)
    found = importer.status(batch.id, T0 + after_seconds)
    return found[0] if found else None


def test_a_batch_goes_through_every_state_and_is_applied_at_its_end() -> None:
    """False, waiting, claimed, active, completed; nobody is there before."""
    importer = _importer()
    batch = importer.accept(_contacts("a", "b"), T0)
    states = [_status(importer, batch, after) for after in (0.9, 1.0, 2.5, 3.5, 5.9)]
    assert states == [False, State.WAITING, State.CLAIMED, State.ACTIVE, State.ACTIVE]
    assert importer.applied == 0
    assert _status(importer, batch, 6) is State.COMPLETED
    assert (importer.applied, batch.success, batch.failure, importer.open_batches) == (2, ["1", "2"], [], 0)


def test_how_long_a_batch_takes_is_drawn_from_the_range_and_by_the_seed() -> None:
    """The same seed draws the same times."""

    def lengths(importer: Importer) -> list[float]:
        return [batch.ends - batch.accepted for batch in (importer.accept([], T0) for _ in range(20))]

    drawn = lengths(_importer(batch_seconds="6:20"))
    assert all(6 <= length <= 20 for length in drawn)
    assert max(drawn) - min(drawn) > 5
    assert drawn == lengths(_importer(batch_seconds="6:20"))


def test_a_slow_importer_takes_one_batch_after_another() -> None:
    """At 30 a minute the third batch waits four seconds for its turn."""
    importer = _importer(drain_batches_per_minute=30, false_seconds=0)
    batches = [importer.accept([], T0) for _ in range(3)]
    assert [batch.begins - batch.accepted for batch in batches] == pytest.approx([0, 2, 4])
    assert _status(importer, batches[2], 5) is State.WAITING
    assert _status(importer, batches[0], 6) is State.COMPLETED
    assert _status(importer, batches[2], 9.9) is State.ACTIVE
    assert _status(importer, batches[2], 10.1) is State.COMPLETED


@pytest.mark.parametrize(
    ("loss", "status", "applied"),
    [
        ("failed", State.FAILED, 0),
        ("interrupted", State.INTERRUPTED, 1),
        ("false", False, 0),
        ("unknown", None, 0),
        ("endless", State.ACTIVE, 0),
    ],
)
def test_how_a_batch_is_lost_and_how_much_of_it_arrived(loss: str, status: object, applied: int) -> None:
    """An interrupted one got half way."""
    importer = _importer(batch_faults=[loss])
    batch = importer.accept(_contacts("a", "b"), T0)
    assert _status(importer, batch, 1_000_000) == status
    assert importer.applied == applied


def test_failure_names_whom_it_kept_out_and_may_change_their_letter_case() -> None:
    """Applied is what was sent without these, whatever `success` says."""
    importer = _importer(failure_case="upper")
    batch = importer.accept(_contacts("a", "o'Hara", "b"), T0)
    _status(importer, batch, 6)
    assert batch.failure == ["O'HARA@EXAMPLE.ORG"]
    assert importer.applied == 2
    assert importer.kept_out.total() == 1


def test_success_holds_created_contacts_or_all_of_them() -> None:
    """The documentation and its users disagree."""
    for ids, expected in (("created", []), ("all", ["1"])):
        importer = _importer(success_ids=ids)
        importer.accept(_contacts("a"), T0)
        again = importer.accept(_contacts("a"), T0 + 1)
        _status(importer, again, 10)
        assert again.success == expected


def test_the_overview_counts_batches_and_contacts_by_day() -> None:
    """What is under way and what was completed in seven days."""
    importer = _importer(batch_faults=["endless:x1"])
    importer.accept(_contacts("a"), T0)
    importer.accept(_contacts("b", "c"), T0)
    assert [(batches, contacts) for _, batches, contacts in importer.outstanding(T0 + 1)] == [(2, 3)]
    assert list(importer.recently_completed(T0 + 1)) == []
    importer.advance(T0 + 7)
    assert [(batches, contacts) for _, batches, contacts in importer.outstanding(T0 + 7)] == [(1, 1)]
    assert [(batches, contacts) for _, batches, contacts in importer.recently_completed(T0 + 7)] == [(1, 2)]
    assert list(importer.recently_completed(T0 + 8 * 86_400)) == []


def test_switches_change_later_batches_and_leave_earlier_ones() -> None:
    """A batch keeps the time and the fate it was given."""
    importer = _importer()
    before = importer.accept(_contacts("a"), T0)
    importer.set(changed(Switches(), {"batch_seconds": 60, "batch_faults": ["failed"]}), deal_anew=True)
    after = importer.accept(_contacts("b"), T0)
    assert _status(importer, before, 6) is State.COMPLETED
    assert _status(importer, after, 59) is State.ACTIVE
    assert _status(importer, after, 60) is State.FAILED
