"""Notification channels and schedules by the command line: what it asks of the API, and what it tells people."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from producer.cli.root import cli
from tests.integration.simulated_producer import TOKEN, SimulatedProducer, simulated_producer

Shell = Callable[..., Result]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHANNEL: dict[str, Any] = {
    "name": "night",
    "kind": "webhook",
    "url": "https://hooks.example.com/x",
    "addresses": [],
    "exports": None,
}
CHANNEL |= {"events": ["failed"], "enabled": True, "waiting": 0, "dead": 2}


@pytest.fixture
def producer() -> Iterator[SimulatedProducer]:
    """A double of the producer."""
    with simulated_producer() as double:
        yield double


@pytest.fixture
def shell(producer: SimulatedProducer) -> Shell:
    """Call `segment-export` with the double's address and a good token in the environment."""
    environment = {"SEGMENT_EXPORT_URL": producer.url, "SEGMENT_EXPORT_TOKEN": TOKEN}

    def call(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(cli, list(words), input=stdin, env=environment)

    return call


def test_a_channel_is_a_webhook_or_an_e_mail_by_where_it_goes_to(shell: Shell, producer: SimulatedProducer) -> None:
    """What is not said is left to the API; both or neither is a wrong call."""
    for _ in range(2):
        producer.answer("POST /v1/notifications", CHANNEL | {"secret": None}, 201)
    assert shell("notifications", "add", "night", "--post-to", "https://hooks.example.com/x").exit_code == 0
    words = ("--mail-to", "a@example.com", "--mail-to", "b@example.com", "--event", "failed", "--export", "vip")
    assert shell("notifications", "add", "team", *words).exit_code == 0
    assert [asked.body for asked in producer.asked] == [
        {"name": "night", "kind": "webhook", "url": "https://hooks.example.com/x"},
        {"name": "team", "kind": "email", "addresses": ["a@example.com", "b@example.com"]}
        | {"events": ["failed"], "exports": ["vip"]},
    ]
    for wrong in ((), ("--post-to", "https://hooks.example.com/x", "--mail-to", "a@example.com")):
        assert shell("notifications", "add", "x", *wrong).exit_code == 2


def test_a_secret_that_is_made_is_told_once_or_saved_for_one_s_eyes_only(
    shell: Shell, producer: SimulatedProducer, tmp_path: Path
) -> None:
    """Saved, it is shown nowhere; a call that fails leaves no file."""
    for _ in range(2):
        producer.answer("POST /v1/notifications", CHANNEL | {"secret": SECRET}, 201)
    producer.refuse("POST /v1/notifications", 409, "Taken.")
    words = ("notifications", "add", "night", "--post-to", "https://hooks.example.com/x")
    shown = shell(*words)
    assert SECRET in shown.stdout
    assert "only time" in shown.stderr
    file = tmp_path / "night.secret"
    saved = shell(*words, "--save-to", str(file))
    assert SECRET not in saved.output
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == (SECRET + "\n", 0o600)
    assert shell(*words, "--save-to", str(tmp_path / "other")).exit_code == 1
    assert not (tmp_path / "other").exists()


def test_a_secret_of_one_s_own_comes_from_a_file(shell: Shell, producer: SimulatedProducer) -> None:
    """And is not shown."""
    producer.answer("PATCH /v1/notifications/night", CHANNEL)
    result = shell("notifications", "update", "night", "--secret-file", "-", "--all-exports", stdin=SECRET + "\n")
    assert result.exit_code == 0
    assert producer.asked[0].body == {"secret": SECRET, "exports": None}
    assert SECRET not in result.output


def test_channels_are_listed_with_where_they_go(shell: Shell, producer: SimulatedProducer) -> None:
    """Null is all exports, and the dead are counted."""
    mail = CHANNEL | {"name": "team", "url": None, "addresses": ["a@example.com"], "exports": ["vip"]}
    producer.answer("GET /v1/notifications", {"items": [CHANNEL, mail], "next": None})
    lines = shell("notifications", "list").stdout.splitlines()
    assert lines[0].split() == ["NAME", "KIND", "TO", "EVENTS", "EXPORTS", "ENABLED", "WAITING", "DEAD"]
    assert lines[2].split()[2:] == ["https://hooks.example.com/x", "failed", "all", "yes", "0", "2"]
    assert lines[3].split()[2:5] == ["a@example.com", "failed", "vip"]


@pytest.mark.parametrize(("delivered", "code"), [(True, 0), (False, 1)])
def test_a_test_ends_well_only_if_it_was_delivered(
    shell: Shell, producer: SimulatedProducer, *, delivered: bool, code: int
) -> None:
    """With what was answered."""
    producer.answer("POST /v1/notifications/night/test", {"delivered": delivered, "detail": "HTTP 418"})
    result = shell("notifications", "test", "night")
    assert (result.exit_code, "HTTP 418" in result.stdout) == (code, True)


def test_all_dead_messages_are_sent_again(shell: Shell, producer: SimulatedProducer) -> None:
    """Those of every part of the list; one alone by its id."""
    producer.answer("GET /v1/notifications/night/deliveries", {"items": [{"id": "m1"}, {"id": "m2"}], "next": None})
    for one in ("m1", "m2", "m3"):
        producer.answer(f"POST /v1/notifications/night/deliveries/{one}/redeliver", {"result": "done"}, 202)
    result = shell("notifications", "redeliver", "night", "--all")
    assert (result.exit_code, result.stderr) == (0, "On their way again: 2.\n")
    assert producer.asked[0].query["state"] == "dead"
    assert shell("notifications", "redeliver", "night", "m3").exit_code == 0
    assert producer.asked[-1].path.endswith("/m3/redeliver")
    assert shell("notifications", "redeliver", "night").exit_code == 2


def test_all_scheduled_exports_are_run_and_the_others_named(shell: Shell, producer: SimulatedProducer) -> None:
    """With the reason; an export beside it is a wrong call, and so is none at all."""
    told = {
        "runs": [{"export": "vip", "run": "r1"}],
        "skipped": [{"export": "off", "reason": "the export is disabled"}],
    }
    producer.answer("POST /v1/scheduled-runs", told, 202)
    result = shell("exports", "run", "--scheduled")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()[2:]] == [
        ["vip", "r1", "-"],
        ["off", "-", "the", "export", "is", "disabled"],
    ]
    for wrong in (("vip", "--scheduled"), ("--scheduled", "--dry-run"), ()):
        assert shell("exports", "run", *wrong).exit_code == 2
