"""The command line against the real producer, started by its own `serve`, over the sandbox: what the double answers is true."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from deploy.local.valkey import free_port

TOKEN = "a-token-for-the-administrator"

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def account() -> Iterator[str]:
    """The address of a sandbox account."""
    command = [sys.executable, "-m", "tests.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        yield sandbox.stdout.readline().strip().rpartition("//")[2]
        sandbox.terminate()


@pytest.fixture
def shell(account: str, redis_url: str, tmp_path: Path) -> Iterator[Shell]:
    """Call `segment-export` beside a producer of its own that reads snapshots here."""
    address = f"127.0.0.1:{free_port()}"
    environment = {
        **os.environ,
        "SEGMENT_EXPORT_REDIS_URL": redis_url,
        "SEGMENT_EXPORT_LISTEN": address,
        "SEGMENT_EXPORT_SECRET_KEYS": Fernet.generate_key().decode(),
        "SEGMENT_EXPORT_ADMIN_TOKEN": TOKEN,
        "SEGMENT_EXPORT_SNAPSHOT_ROOTS": str(tmp_path),
        "SEGMENT_EXPORT_TRUSTED_HOSTS": account,
        "SEGMENT_EXPORT_URL": f"http://{address}",
        "SEGMENT_EXPORT_TOKEN": TOKEN,
    }
    program = [sys.executable, "-m", "producer"]

    def call(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *words], env=environment, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )

    with subprocess.Popen([*program, "serve"], env=environment, stderr=subprocess.DEVNULL) as producer:
        yield call
        producer.terminate()
    assert producer.returncode == 0


def test_an_export_is_set_up_tried_and_taken_down_from_a_shell(shell: Shell, account: str, tmp_path: Path) -> None:
    """Publishing waits for the producer to come up; every later command finds what the ones before did."""
    snapshot = tmp_path / "vip.csv"
    snapshot.write_text("Email,FirstName\nann@example.org,Ann\nbob@example.org,Bob\nno address,Cy\n")

    nobody = shell("publish", "vip", str(snapshot), "--id", "e1", "--json")
    assert json.loads(nobody.stdout)["runs"] == []
    again = shell("publish", "vip", str(tmp_path / "other.csv"), "--id", "e1")
    assert (again.returncode, "with other data" in again.stderr) == (1, True)

    refused = shell("connections", "add", "acme", "--host", account, "--consent", stdin="wrong-key")
    assert (refused.returncode, "--key-file: " in refused.stderr) == (1, True)
    added = shell("connections", "add", "acme", "--host", account, "--consent", stdin="sandbox-key\n")
    assert added.returncode == 0, added.stderr
    assert shell("connections", "check", "acme").returncode == 0

    mapped = ("--connection", "acme", "--segment", "vip", "--email", "Email", "--first-name", "FirstName")
    missing = shell("exports", "add", "vip", "--list", "99", *mapped)
    assert (missing.returncode, "--list: " in missing.stderr) == (1, True)
    assert shell("exports", "add", "vip", "--list", "12", *mapped).returncode == 0
    changed = shell("exports", "update", "vip", "--field", "7=Tier", "--first-name", "", "--json")
    mapping = json.loads(changed.stdout)["mapping"]
    assert (mapping["fields"], mapping["first_name"], mapping["email"]) == ({"7": "Tier"}, None, "Email")
    shell("exports", "update", "vip", "--field", "7=")
    braked = shell("exports", "update", "vip", "--brake", "0.3:1000", "--json")
    assert json.loads(braked.stdout)["brake"] == {"share": 0.3, "number": 1000}
    assert json.loads(shell("exports", "update", "vip", "--brake", "", "--json").stdout)["brake"] is None
    refused = shell("exports", "update", "vip", "--brake", "2:1")
    assert (refused.returncode, "--brake share: " in refused.stderr) == (1, True)

    tried = shell("exports", "run", "vip", "--dry-run", "--wait", "--json")
    assert tried.returncode == 0, tried.stderr
    run = json.loads(tried.stdout)
    assert (run["books"]["selected"], run["books"]["unsent"], run["books"]["invalid"]) == (2, 2, 1)
    rejects = [json.loads(line) for line in shell("runs", "rejects", run["id"], "--json").stdout.splitlines()]
    assert [reject["email"] for reject in rejects] == ["no address"]
    assert run["id"] in shell("runs", "list", "--export", "vip").stdout
    assert shell("runs", "watch", run["id"]).returncode == 0

    assert json.loads(shell("connections", "delete", "acme", "--json").stdout)["detached"] == ["vip"]
    assert shell("exports", "delete", "vip").returncode == 0
    assert shell("exports", "list").stdout == "There are none.\n"


def test_settings_that_cannot_be_used_are_told_one_a_line() -> None:
    """All at once, and the exit code is that of a wrong call."""
    environment = {**os.environ, "SEGMENT_EXPORT_SECRET_KEYS": "x", "SEGMENT_EXPORT_ADMIN_TOKEN": "x y"}
    command = [sys.executable, "-m", "producer", "serve"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert [line.split()[0] for line in ended.stderr.splitlines()] == [
        "SEGMENT_EXPORT_SECRET_KEYS",
        "SEGMENT_EXPORT_ADMIN_TOKEN",
    ]
