"""Two looks at an account are told to be of the same one, of two, or of nobody knows how many."""

import pytest
from pydantic import SecretStr

from producer.registry.account_identity import (
    LISTS_MOST,
    AccountIdentity,
    KnownBy,
    are_different,
    digest_of_key,
    identity_of_list,
    oldest,
    same_account,
)

SECRET = b"secret" * 6
OTHER_SECRET = b"other" * 6
JANUARY, JUNE = "2019-01-05T10:00:00-06:00", "2021-06-05T10:00:00-05:00"

Rows = list[tuple[str, str, str]]


def identity(key: str, lists: Rows | None) -> AccountIdentity:
    found = None if lists is None else oldest(identity_of_list(*one, SECRET) for one in lists)
    return AccountIdentity("h", digest_of_key(SecretStr(key), SECRET), found)


NEWS: Rows = [("1", "news", JANUARY), ("3", "vips", JUNE)]


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        pytest.param(identity("k", NEWS), identity("k", NEWS), KnownBy.API_KEY, id="the same key"),
        pytest.param(
            identity("k", None), identity("k", NEWS), KnownBy.API_KEY, id="the same key, lists not to be read"
        ),
        pytest.param(identity("k", []), identity("k", []), KnownBy.API_KEY, id="the same key, no lists"),
        pytest.param(identity("k", NEWS), identity("other", NEWS), KnownBy.LISTS, id="the same lists"),
        pytest.param(identity("k", NEWS), identity("other", NEWS[1:]), KnownBy.LISTS, id="one list in common"),
        pytest.param(identity("k", NEWS[:1]), identity("other", NEWS[1:]), None, id="no list in common"),
        pytest.param(identity("k", []), identity("other", []), None, id="neither has lists"),
        pytest.param(identity("k", None), identity("other", NEWS), None, id="another key, lists not to be read"),
        pytest.param(
            identity("k", NEWS), identity("other", [("1", "news", JUNE), NEWS[1]]), None, id="one made at another time"
        ),
        pytest.param(
            identity("k", NEWS), identity("other", [("1", "else", JANUARY), NEWS[1]]), None, id="one of another name"
        ),
        pytest.param(
            identity("k", NEWS),
            identity("k", [("1", "renamed", JANUARY), NEWS[1]]),
            KnownBy.API_KEY,
            id="the same key, and a list was renamed",
        ),
        pytest.param(identity("k", NEWS), identity("k", [("1", "news", JUNE)]), None, id="a key that two servers take"),
        pytest.param(
            identity("k", [("1", "news", "")]), identity("other", [("1", "news", "")]), None, id="no time is told"
        ),
        pytest.param(
            identity("k", [("1", "news", "2019-01-05T10:00:00-06:00")]),
            identity("other", [("1", "news", "2019-01-05T17:00:00+01:00")]),
            KnownBy.LISTS,
            id="the same moment in another time zone",
        ),
    ],
)
def test_two_looks_are_compared(mine: AccountIdentity, theirs: AccountIdentity, expected: KnownBy | None) -> None:
    """The same key or lists tell one account; one list that contradicts tells two. It does not matter who is asked first."""
    assert same_account(mine, theirs) is expected
    assert same_account(theirs, mine) is expected
    assert are_different(mine, theirs) is are_different(theirs, mine)


def test_a_contradiction_is_more_than_not_knowing() -> None:
    """Who has no list in common may be the same; who has another list under the same id is not."""
    assert not are_different(identity("k", NEWS[:1]), identity("other", NEWS[1:]))
    assert are_different(identity("k", NEWS), identity("other", [("1", "news", JUNE)]))


def test_neither_key_nor_lists_can_be_read_from_what_is_kept() -> None:
    """And what is kept is read again as it was."""
    found = identity("a-key", NEWS)
    kept = repr(found.document())
    assert "a-key" not in kept
    assert "news" not in kept
    assert "2019" not in kept
    assert AccountIdentity.from_document(found.document()) == found
    assert digest_of_key(SecretStr("a-key"), SECRET) != digest_of_key(SecretStr("a-key"), OTHER_SECRET)


def test_the_oldest_lists_are_kept_in_whatever_order_they_come() -> None:
    """By number, not by text: a server may not understand how it is asked to order them."""
    found = oldest(identity_of_list(str(number), "", JUNE, SECRET) for number in range(200, 0, -1))
    assert [one.id for one in found] == [str(number) for number in range(1, LISTS_MOST + 1)]
