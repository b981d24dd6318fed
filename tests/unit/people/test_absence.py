"""A member is gone when two snapshots in a row agree, and one of them that cannot be read well enough is no opinion."""

import numpy as np

from producer.people.absence import (
    HANDFUL,
    PINS_KEPT,
    Absences,
    Judged,
    Sighting,
    hashes_of,
    judge,
    origin_of,
    pin_digest,
)

KEY = b"a key"
ORIGIN = origin_of("vip", {"email": "Email"})
ANN, BOB, CID = "ann@x.org", "bob@x.org", "cid@x.org"


class History:
    """Surveys one after the other, as the record keeps what they leave."""

    def __init__(self) -> None:
        self.kept = Absences()
        self.number = 0

    def see(self, pin: str, *absent: str, unreadable: int = 0, origin: str = ORIGIN, unseen: int = 0) -> list[str]:
        """Survey a snapshot; return who has left for good. `unseen` surveys in between were of an earlier version."""
        self.number += unseen
        hashes = hashes_of(absent, KEY)
        judged = judge(self.kept, hashes, Sighting(pin_digest(pin), origin, self.number, unreadable))
        self.number += 1
        fields = {name: _bytes(value) for name, value in judged.after.fields().items()}
        self.kept = Absences.from_fields(fields | {"number": str(self.number).encode()})
        self.judged: Judged = judged
        return [address for address, is_gone in zip(absent, judged.agreed.tolist(), strict=True) if is_gone]


def _bytes(value: str | int | bytes) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def test_two_snapshots_in_a_row_agree() -> None:
    """And whoever is there in between is absent no more."""
    history = History()
    assert history.see("1") == []
    assert history.see("2", ANN, BOB) == []
    assert history.see("3", ANN, CID) == [ANN]
    assert history.see("4", ANN, BOB, CID) == [ANN, CID], "a leaver who could not be sent is one still"
    assert history.see("5", BOB) == [BOB]


def test_a_snapshot_that_was_read_before_is_no_opinion() -> None:
    """Neither at once nor later; but it does not undo what two have said."""
    history = History()
    history.see("1", ANN)
    history.see("2", BOB)
    assert history.see("2", BOB) == []
    assert history.see("1", ANN, BOB) == []
    assert history.see("3", ANN, BOB) == [BOB]
    assert history.see("1", ANN, BOB) == [BOB]
    for number in range(PINS_KEPT):
        history.see(f"more {number}")
    assert len(history.kept.pins) == PINS_KEPT


def test_another_segment_or_column_begins_again() -> None:
    """What is not in one of them says nothing of the other."""
    history = History()
    history.see("1", ANN)
    assert history.see("2", ANN, origin=origin_of("other", {"email": "Email"})) == []
    assert history.see("3", ANN, origin=origin_of("other", {"email": "Mail"})) == []
    assert history.see("4", ANN, origin=origin_of("other", {"email": "Mail"})) == [ANN]


def test_a_survey_that_an_earlier_version_made_in_between_breaks_the_row() -> None:
    """Whom it met is not known."""
    history = History()
    history.see("1", ANN)
    assert history.see("3", ANN, unseen=1) == []
    assert history.see("4", ANN) == [ANN]


def test_nobody_leaves_while_more_rows_cannot_be_read() -> None:
    """Whoever was missing from such a snapshot stays for as long as these rows do; others leave as ever."""
    history = History()
    history.see("1")
    history.see("2", CID)
    assert history.see("3", ANN, CID, unreadable=HANDFUL + 1) == []
    assert history.judged.is_blind
    assert history.see("4", ANN, BOB, CID, unreadable=HANDFUL + 1) == []
    assert history.see("5", ANN, BOB, CID, unreadable=HANDFUL + 1) == [BOB]
    assert history.judged.doubtful.tolist() == [True, False, True]
    assert history.see("6", ANN, CID, unreadable=HANDFUL) == []
    assert history.see("7", ANN, CID, unreadable=0) == [ANN, CID]


def test_a_handful_more_is_ordinary_and_the_first_count_is_compared_with_none() -> None:
    """A segment may have rows that were never readable."""
    history = History()
    assert history.see("1", ANN, unreadable=400) == []
    assert history.judged.is_blind
    assert history.see("2", ANN, unreadable=400) == []
    assert history.see("3", ANN, unreadable=400 + HANDFUL) == [ANN]


def test_what_is_kept_has_no_address_and_is_found_again() -> None:
    """8 bytes each, and nothing without the key."""
    history = History()
    history.see("1", *(f"p{number}@x.org" for number in range(1_000)))
    history.see("2", *(f"p{number}@x.org" for number in range(500, 1_500)))
    fields = history.kept.fields()
    assert sum(len(value) for value in fields.values() if isinstance(value, bytes)) == 8_000
    assert [history.kept.of(f"p{number}@x.org", KEY) for number in (0, 500, 1_400)] == ["present", "absent", "absent"]
    assert history.kept.of("p500@x.org", b"another key") == "present"
    assert np.array_equal(hashes_of([ANN, BOB], KEY), np.concatenate([hashes_of([ANN], KEY), hashes_of([BOB], KEY)]))
