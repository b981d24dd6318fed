"""A bad night over a real stack, read back in the morning: the trail tells who did what, and what was decided by itself."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.end_to_end.conftest import Platform
from wire.store import codec

Up = Callable[..., Platform]

Entry = dict[str, Any]


def _night(found: Platform) -> tuple[str, str]:
    """Live through it; return the run that was saved and the one that was given up."""
    tokens = {"admin": found.stack.plan.secrets.admin_token}
    for name, role in (("ops", "admin"), ("ann", "contributor"), ("cdp", "publisher")):
        _, issued = found.call("POST", "/v1/tokens", {"name": name, "role": role})
        tokens[name] = issued["token"]

    def by(who: str, method: str, path: str, body: Any = None) -> Any:
        status, answer = found.call(method, path, body, token=tokens[who])
        assert status < 300, answer
        return answer

    assert found.connect(allow="contributors")[0] == 201
    snapshot = found.snapshots / "vip.csv"
    people = [f"person{number}@example.com,A,B," for number in range(400)]
    snapshot.write_text("\n".join(["Email,First,Last,Phone", *people]) + "\n")
    mapping = {"email": "Email", "first_name": "First"}
    export = {"name": "vip", "connection": "main", "segment": "vip", "list_id": "12", "mapping": mapping}
    by("ann", "POST", "/v1/exports", export)

    # Somebody has taken the key back: the first refusal stops the connection.
    found.sandbox("switches", {"faults": ["unauthorized@import"]})
    (saved,) = by("cdp", "POST", "/v1/events", found.event(snapshot))["runs"]
    found.wait(saved, lambda run: run["state"] == "blocked")
    by("ops", "POST", f"/v1/runs/{saved}/pause")
    found.sandbox("switches", {"faults": []})
    by("ops", "PATCH", "/v1/connections/main", {"api_key": found.stack.plan.secrets.sandbox_key})
    by("ops", "POST", f"/v1/runs/{saved}/resume")
    assert found.wait(saved)["state"] == "succeeded"

    # Ann runs everything again while the account is down; the connection is closed to her, and ops gives the run up.
    found.sandbox("switches", {"faults": ["503@import"]})
    lost = str(by("ann", "POST", "/v1/exports/vip/runs", {"mode": "full"})["run"]["id"])
    found.wait(lost, lambda run: run["state"] == "delivering")
    by("ops", "PATCH", "/v1/connections/main", {"allow": "admins"})
    assert found.call("POST", f"/v1/runs/{lost}/cancel", token=tokens["ann"])[0] == 403
    by("ops", "POST", f"/v1/runs/{lost}/cancel")
    assert found.wait(lost)["state"] == "cancelled"
    return saved, lost


def _read(found: Platform, *words: str) -> list[Entry]:
    """Export the trail by the command line."""
    variables = {
        "SEGMENT_EXPORT_URL": f"http://{found.stack.producer}",
        "SEGMENT_EXPORT_TOKEN": found.stack.plan.secrets.admin_token,
    }
    command = [sys.executable, "-m", "producer", "audit", "-o", "ndjson", *words]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, check=True, timeout=60)
    return [codec.decode(line) for line in done.stdout.splitlines()]


def test_the_trail_explains_a_bad_night(platform: Up) -> None:
    """In order, by whom, with what each change was before; whoever was refused changed nothing, and is not in it."""
    found = platform(workers=1)
    saved, lost = _night(found)
    # How the export does is judged beside this, some seconds later at most.
    entries = [one for one in _read(found) if one["what"] != "export.health"]
    story = [(one["who"], one["what"], one["name"], one["run"]) for one in entries]
    assert story == [
        ("admin", "token.issued", "ops", None),
        ("admin", "token.issued", "ann", None),
        ("admin", "token.issued", "cdp", None),
        ("admin", "connection.created", "main", None),
        ("ann", "export.created", "vip", None),
        ("cdp", "run.opened", "vip", saved),
        ("system", "connection.blocked", "main", None),
        ("ops", "run.paused", "vip", saved),
        ("ops", "connection.changed", "main", None),
        ("ops", "run.resumed", "vip", saved),
        ("system", "connection.unblocked", "main", None),
        ("system", "run.ended", "vip", saved),
        ("ann", "run.opened", "vip", lost),
        ("ops", "connection.changed", "main", None),
        ("ops", "run.cancelled", "vip", lost),
        ("system", "run.ended", "vip", lost),
    ]
    opened, blocked, changed, closed = entries[5], entries[6], entries[8], entries[13]
    assert (opened["facts"]["trigger"], opened["facts"]["event"]) == ("event", "event-1")
    assert (blocked["facts"]["code"], "reason" in blocked["facts"]) == ("credentials", True)
    assert (changed["facts"], changed["changes"]) == ({"api_key_changed": True}, {"export_user": ["admin", "ops"]})
    assert (closed["facts"], closed["changes"]) == ({"api_key_changed": False}, {"allow": ["contributors", "admins"]})
    assert (entries[11]["facts"]["state"], entries[11]["facts"]["applied"]) == ("succeeded", 400)
    assert (entries[15]["facts"]["state"], entries[15]["facts"]["unsent"]) == ("cancelled", 400)
    assert {one["remote"] for one in entries if one["who"] != "system"} == {"127.0.0.1"}
    assert _read(found, "--run", saved, "--who", "ops") == [entries[7], entries[9]]
    assert "@example.com" not in str(entries)
