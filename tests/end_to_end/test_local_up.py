"""The stack that stays after the command that started it, by those very commands."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.stack import Plan, Stack

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where records and logs are."""
    return tmp_path / "home"


@pytest.fixture
def local(home: Path) -> Iterator[Command]:
    """Call `python -m deploy.local` with a home of its own; nothing is up in it when the test ends."""

    def call(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "deploy.local", *words, "--home", str(home)]
        environment = os.environ | {f"SEGMENT_EXPORT_{name}": value for name, value in settings.items()}
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    yield call
    call("down")


def test_what_is_up_stays_up_until_it_is_told_to_end(local: Command, home: Path) -> None:
    """A second `up` says where it is, `down` ends all of it, and a second `down` has nothing to do."""
    first = local("up")
    assert first.returncode == 0, first.stderr
    assert processes.running(home / "sandbox") == ["producer", "sandbox", "valkey", "worker-1", "worker-2"]
    assert local("up").stdout == first.stdout.replace("It is up.", "It is up already.")
    assert local("down").returncode == 0
    assert processes.running(home / "sandbox") == []
    assert local("down").stdout == "Nothing is up.\n"


def test_the_token_is_in_a_file_of_its_owner_and_nowhere_in_what_is_printed(local: Command, home: Path) -> None:
    """What a terminal shows ends up in screenshots."""
    printed = local("up").stdout
    for name in ("token", "authorization", "secrets.json", "sandbox.key"):
        assert (home / "sandbox" / name).stat().st_mode & 0o077 == 0
    assert (home / "sandbox" / "token").read_text() not in printed


def test_the_record_of_a_real_account_is_kept_and_a_wrong_key_leaves_nothing_up(
    local: Command, home: Path, tmp_path: Path
) -> None:
    """The second time the connection is there and takes the key; a key that is refused ends the stack again."""
    key, wrong_key = tmp_path / "key", tmp_path / "wrong-key"
    wrong_key.write_text("another-key")
    with Stack(Plan(tmp_path / "elsewhere", snapshots=tmp_path, workers=0)) as elsewhere:
        key.write_text(elsewhere.plan.secrets.sandbox_key)
        there = ("up", "--host", elsewhere.sandbox, "--consent", "yes", "--key-file")
        token = home / elsewhere.sandbox.replace(":", "-") / "token"
        tokens = set()
        for _ in range(2):
            answer = local(*there, str(key), TRUSTED_HOSTS=elsewhere.sandbox)
            assert answer.returncode == 0, answer.stderr + answer.stdout
            assert local("down").stdout == "Ended producer, worker-1, worker-2, valkey.\n"
            tokens.add(token.read_text())
        assert len(tokens) == 1
        refused = local(*there, str(wrong_key), TRUSTED_HOSTS=elsewhere.sandbox)
        assert refused.returncode == 1
        assert "key" in refused.stdout
        assert "another-key" not in refused.stdout + refused.stderr
    assert local("down").stdout == "Nothing is up.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--host", "acme.api-us1.com"), "HOST and KEY_FILE go together"),
        (("--host", "acme.api-us1.com", "--key-file", "key"), "If you agree, say CONSENT=yes"),
        (("--host", "http://acme.api-us1.com", "--key-file", "key"), "only https"),
    ],
)
def test_a_real_account_needs_a_host_a_key_and_consent(local: Command, words: tuple[str, ...], sentence: str) -> None:
    """Nothing is started before all three are there."""
    answer = local("up", *words)
    assert answer.returncode == 2
    assert sentence in answer.stderr
