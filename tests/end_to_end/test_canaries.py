"""Secrets and people are planted everywhere, much goes wrong, and then everything that the stack wrote is searched.

A person may stand in chunks and rejects, which are compressed, and in the membership, which is not. Secrets stand nowhere:
API keys are sealed, tokens are digests.
"""

import json
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from cryptography.fernet import Fernet
from redis import Redis

from tests.end_to_end.conftest import Platform
from tests.end_to_end.test_events import awaited
from wire.store.keys import TEMPLATES, key

Up = Callable[..., Platform]

PERSON: Final = "quokka"
"""Part of everything personal that is planted."""

SIGNS: Final = "whsec_d29tYmF0LWtleS1vZi1hLXdlYmhvb2stcmVjZWl2ZXI="
WRONG_KEY: Final = "wombat-key-of-somebody-else"
WRONG_TOKENS: Final = ("wombat-token", f"sgx_{'a' * 16}_{'b' * 64}")

HOLDS_ADDRESSES: Final = key("members", *["*"] * TEMPLATES["members"].count("{}")).split("*")[0]


def _people(count: int) -> list[str]:
    rows = [f"{PERSON}{number}@example.com,{PERSON}first,{PERSON}last,+44 20 7946 0123" for number in range(count)]
    return ["Email,First,Last,Phone", *rows]


def _write(platform: Platform, name: str, *lines: str) -> Path:
    file = platform.snapshots / name
    file.write_text("\n".join(lines) + "\n")
    return file


def _misbehave(platform: Platform) -> list[Any]:
    """Do what goes wrong, with something in hand that must not be repeated; return every answer."""
    answers: list[Any] = []

    def call(method: str, path: str, body: object = None, token: str | None = None) -> Any:
        answers.append(platform.call(method, path, body, token=token))
        return answers[-1]

    for token in WRONG_TOKENS:
        call("GET", "/v1/runs", token=token)
    host, port = platform.stack.producer.split(":")
    for line in (f"Authorization: Bearer {WRONG_TOKENS[0]}\0", f"Authorization Bearer {WRONG_TOKENS[1]}"):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            raw.sendall(f"GET /v1/runs HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
            assert raw.recv(20).split()[1] == b"400"
    call("PATCH", "/v1/connections/main", {"api_key": WRONG_KEY})
    call("PATCH", "/v1/connections/main", {"api_key": f"{WRONG_KEY} with spaces", "name": "No"})
    call("POST", "/v1/exports", {"name": "x", "api_key": WRONG_KEY, "secret": WRONG_KEY})
    call("POST", "/v1/events", platform.event(platform.snapshots / "odd.csv") | {"type": f"{PERSON}@example.com"})
    call("POST", "/v1/connections/main/check")
    call("POST", "/v1/secrets/rotate")
    call("POST", "/v1/doctor")
    refused = {
        "action": "create",
        "kind": "connections",
        "name": "x",
        "body": {"api_key": WRONG_KEY, "name": WRONG_KEY},
    }
    call("POST", "/v1/rehearsals", {"changes": [refused]})
    # What it answers is about a person; that it was asked is told in the trail, and the person is not.
    assert platform.call("POST", "/v1/contacts/explain", {"email": f"{PERSON}1@example.com"})[0] == 200
    trail = call("GET", "/v1/audit?limit=200")[1]["items"]
    assert {"contact.explained", "run.ended", "secrets.rotated"} <= {entry["what"] for entry in trail}
    return answers


def _run_everything(platform: Platform) -> list[Any]:
    """Run what ends well, what is refused in part, and what cannot be read; return every answer but the rejects."""
    platform.sandbox("opt_outs", {"list": "12", "emails": [f"{PERSON}3@example.com"]})
    bad = [f"{PERSON}@@example.com,,,", f"{PERSON}1@example.com,,,", f"{PERSON},x,y,z", f"a@b.com,{PERSON},,{PERSON}"]
    snapshots = [
        _write(platform, "vip.csv", *_people(600), *bad),
        _write(platform, "cut.csv", *_people(3), f'"{PERSON}'),
        _write(platform, "short.csv", *_people(3), PERSON),
        _write(platform, "no-header.csv", f"{PERSON}@example.com,{PERSON}"),
        _write(platform, "odd.ndjson", json.dumps({"Email": {PERSON: f"{PERSON}@example.com"}})),
        _write(platform, "broken.ndjson", f'{{"Email": "{PERSON}@example.com'),
    ]
    # One after the other: a later refresh takes the place of one that has not begun.
    ended = [platform.wait(platform.publish(snapshot)) for snapshot in snapshots]
    assert [run["state"] for run in ended] == ["partial", *["failed"] * 5]
    rejects = platform.get(f"/v1/runs/{ended[0]['id']}/rejects")
    assert sum(PERSON in reject["email"] for reject in rejects) >= 3
    return [ended, *(platform.get(path) for path in ("/v1/runs", "/v1/segments", "/v1/events?state=dead"))]


def _commands(log: bytes) -> Iterator[list[bytes]]:
    """Read the commands of an append-only file."""
    at = 0
    while at < len(log):
        end = log.index(b"\r\n", at)
        if not log.startswith(b"*", at):
            at = end + 2
            continue
        count, at, words = int(log[at + 1 : end]), end + 2, []
        for _ in range(count):
            end = log.index(b"\r\n", at)
            size = int(log[at + 1 : end])
            words.append(log[end + 2 : end + 2 + size])
            at = end + 4 + size
        yield words


def test_no_secret_and_no_person_is_anywhere_it_must_not_be(platform: Up) -> None:
    """Logs, metrics, answers, the store's files, and the command lines of every process of this machine."""
    found = platform(workers=1)
    secrets = found.stack.plan.secrets
    assert found.connect()[0] == 201
    assert found.export()[0] == 201
    _, issued = found.call("POST", "/v1/tokens", {"name": "somebody", "role": "viewer"})
    hook = {"name": "hook", "kind": "webhook", "url": f"http://{found.stack.sandbox}/hook", "secret": SIGNS}
    assert found.call("POST", "/v1/notifications", hook)[0] == 201
    answers = [found.call("GET", "/v1/runs", token=issued["token"]), found.call("GET", "/v1/tokens")]
    answers += _run_everything(found)
    answers += _misbehave(found)

    planted = [secrets.sandbox_key, secrets.admin_token, secrets.secret_key, WRONG_KEY, *WRONG_TOKENS]
    planted += [issued["token"].rpartition("_")[2], SIGNS, SIGNS.removeprefix("whsec_")]
    answers += [found.call("POST", "/v1/notifications/hook/test"), found.call("GET", "/v1/notifications")]
    messages = _messages(found)
    answers.append((200, messages))
    assert [one["type"] for one in messages] == ["export.failed", "export.partial"]
    directory = found.stack.plan.directory
    metrics = [repr(found.metrics(address)) for address in (found.stack.producer, *found.stack.workers)]
    told = {
        "logs": found.logs() + (directory / "valkey.log").read_text(),
        "metrics": "".join(metrics),
        "answers": json.dumps(answers),
    }
    assert "chunk_settled" in told["logs"]
    assert "aiohttp" not in told["answers"]
    assert "notification_posted" in told["logs"]
    for place, text in told.items():
        assert len(text) > 1_000, place
        assert PERSON not in text.lower(), place
        assert not [one for one in planted if one in text], place
    lines = list(_command_lines())
    assert any(b"producer" in line for line in lines) or sys.platform != "linux"
    assert not [line for line in lines if any(one.encode() in line for one in planted)]
    _search_store(found, directory / "valkey", planted)


def _messages(found: Platform) -> list[Any]:
    """What the hook was told of, the newest first; it took none of it."""

    def tried() -> list[Any] | None:
        items: list[Any] = found.get("/v1/notifications/hook/deliveries")["items"]
        return items if len(items) == 2 and all(one["note"] for one in items) else None

    items: list[Any] = awaited(tried)
    return items


def _command_lines() -> Iterator[bytes]:
    """Read the command lines of every process there is, but for those that end meanwhile."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes()


def _search_store(found: Platform, directory: Path, planted: list[str]) -> None:
    for database in (0, 1):
        with Redis(port=found.stack.valkey_port, db=database) as client:
            client.config_set("rdbcompression", "no")
            for name in client.scan_iter():
                if not name.startswith(HOLDS_ADDRESSES.encode()):
                    assert PERSON.encode() not in (client.dump(name) or b"").lower(), name
            client.save()
            sealed = [client.hget(name, "secret") for name in client.scan_iter(key("connection", "*"))]
            assert all(Fernet(found.stack.plan.secrets.secret_key).decrypt(one) for one in sealed)
    files = [file for file in directory.rglob("*") if file.is_file()]
    assert {file.suffix for file in files} >= {".aof", ".rdb"}
    for file in files:
        content = file.read_bytes()
        assert not [one for one in planted if one.encode() in content], file
        if file.suffix == ".aof":
            for command in _commands(content):
                if re.search(PERSON.encode(), b" ".join(command), re.IGNORECASE):
                    assert command[1].startswith(HOLDS_ADDRESSES.encode()), command[:2]
