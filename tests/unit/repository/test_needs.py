"""What becomes of a test whose program is missing."""

import pytest

from tests.conftest import REQUIRE_PROGRAMS, missing_programs, pytest_runtest_setup

NOWHERE = "a-program-that-nobody-has"


class _Item(pytest.Item):
    """A test that needs a program; it is set up here and never run."""

    def runtest(self) -> None:
        raise AssertionError("only its setup is asked for")


@pytest.fixture
def needy(request: pytest.FixtureRequest) -> pytest.Item:
    """A test that needs a program nobody has."""
    item: pytest.Item = _Item.from_parent(request.node.parent, name="needy")
    item.add_marker(pytest.mark.needs(NOWHERE))
    return item


def test_at_a_desk_a_test_is_skipped_where_its_program_is_missing(
    needy: pytest.Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has to install Prometheus to run the tests."""
    monkeypatch.delenv(REQUIRE_PROGRAMS, raising=False)
    with pytest.raises(pytest.skip.Exception, match=NOWHERE):
        pytest_runtest_setup(needy)


def test_in_ci_a_test_fails_where_its_program_is_missing(needy: pytest.Item, monkeypatch: pytest.MonkeyPatch) -> None:
    """A skip in CI would be a test that runs nowhere."""
    monkeypatch.setenv(REQUIRE_PROGRAMS, "1")
    with pytest.raises(pytest.fail.Exception, match=NOWHERE):
        pytest_runtest_setup(needy)


def test_a_test_that_needs_nothing_is_left_alone(request: pytest.FixtureRequest) -> None:
    """No marker, no question."""
    pytest_runtest_setup(request.node)


def test_every_missing_program_is_named_once() -> None:
    """What is on PATH is not named."""
    markers = [pytest.mark.needs("sh", "this").mark, pytest.mark.needs("that", "this").mark]
    assert missing_programs(markers, {"sh": "/bin/sh"}.get) == ["this", "that"]
