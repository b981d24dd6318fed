"""The command line over a socket: what it asks of the API, what it prints, and what it tells the shell."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from producer.cli.root import cli
from tests.integration.simulated_producer import TOKEN, SimulatedProducer, run_document, simulated_producer

Shell = Callable[..., Result]

CONNECTION = {
    "id": "c1",
    "type": "activecampaign",
    "name": "acme",
    "display_name": "acme",
    "host": "acme.api-us1.com",
    "allow": "admins",
    "limits": {"imports_per_minute": 100.0, "single_imports_per_minute": 20.0, "requests_per_second": 5.0},
    "warning": None,
}


@pytest.fixture
def producer() -> Iterator[SimulatedProducer]:
    """A double of the producer."""
    with simulated_producer() as double:
        yield double


@pytest.fixture
def shell(producer: SimulatedProducer) -> Shell:
    """Call `segment-export` with the double's address and a good token in the environment."""
    environment = {"SEGMENT_EXPORT_URL": producer.url, "SEGMENT_EXPORT_TOKEN": TOKEN}

    def call(*words: str, stdin: str = "", **changes: str) -> Result:
        return CliRunner().invoke(cli, list(words), input=stdin, env=environment | changes)

    return call


def test_a_list_is_a_table_for_people_and_the_api_s_bytes_for_programs(
    shell: Shell, producer: SimulatedProducer
) -> None:
    """And a longer list says how to go on, beside the result and not in it."""
    document = {"items": [CONNECTION], "next": "acme"}
    producer.answer("GET /v1/connections", document)
    people = shell("connections", "list", "--limit", "1")
    programs = shell("connections", "list", "--json")
    assert people.stdout.split()[:3] == ["NAME", "HOST", "IMPORTS/MIN"]
    assert "acme.api-us1.com" in people.stdout
    assert people.stderr == "There are more: --after acme\n"
    assert programs.stdout == json.dumps(document) + "\n"
    assert producer.asked[0].query == {"limit": "1"}


def test_an_empty_list_says_so(shell: Shell, producer: SimulatedProducer) -> None:
    """A header over nothing would leave people wondering."""
    producer.answer("GET /v1/segments", {"items": [], "next": None})
    assert shell("segments", "list").stdout == "There are none.\n"


@pytest.mark.parametrize(
    ("state", "fate", "code", "said"),
    [
        ("erased", "deleted", 0, ""),
        ("erasing", "deleted", 1, "erased by itself"),
        ("erased", "not_deleted", 1, "Not deleted at acme"),
    ],
)
def test_forgetting_ends_well_only_if_everything_is_done(
    shell: Shell, producer: SimulatedProducer, state: str, fate: str, code: int, said: str
) -> None:
    """The address is in the body, and nowhere else of what is sent."""
    receipt = {"state": state, "activecampaign": [{"connection": "acme", "fate": fate, "why": None}]}
    producer.answer("POST /v1/contacts/forget", receipt)
    result = shell("contacts", "forget", "ann@example.org", "--delete-at-activecampaign")
    assert (result.exit_code, said in result.stderr) == (code, True)
    (asked,) = producer.asked
    assert asked.body == {"email": "ann@example.org", "delete_at_activecampaign": True}
    assert "ann" not in asked.path + str(asked.headers)


def test_dead_events_are_asked_for_by_state(shell: Shell, producer: SimulatedProducer) -> None:
    """With the reason why they could not be taken."""
    producer.answer("GET /v1/events", {"items": [{"id": "e1", "reason": "no JSON"}], "next": None})
    assert "no JSON" in shell("events", "list", "--state", "dead").stdout
    assert producer.asked[0].query["state"] == "dead"


@pytest.mark.parametrize("from_file", [True, False])
def test_a_connection_s_key_comes_from_a_file_or_standard_input(
    shell: Shell, producer: SimulatedProducer, tmp_path: Path, *, from_file: bool
) -> None:
    """It arrives whole, without the line's end, and is shown nowhere; what leaves the boundary is."""
    producer.answer("POST /v1/connections", CONNECTION, 201)
    file = tmp_path / "key"
    file.write_text("very-secret\n")
    where, stdin = (("--key-file", str(file)), "") if from_file else ((), "very-secret\n")
    result = shell("connections", "add", "acme", "--host", "acme.api-us1.com", "--consent", *where, stdin=stdin)
    assert result.exit_code == 0
    assert producer.asked[0].body == {
        "name": "acme",
        "host": "acme.api-us1.com",
        "consent": True,
        "api_key": "very-secret",
    }
    assert "very-secret" not in result.output
    assert "contacts leave our systems for ActiveCampaign at acme.api-us1.com" in result.stderr


def test_without_consent_nothing_is_asked_of_the_api(shell: Shell, producer: SimulatedProducer) -> None:
    """The sentence says what one would agree to; the exit code is that of a wrong call."""
    result = shell("connections", "add", "acme", "--host", "acme.api-us1.com", stdin="very-secret")
    assert result.exit_code == 2
    assert "contacts leave our systems" in result.stderr
    assert "--consent" in result.stderr
    assert producer.asked == []


def test_every_fault_of_a_problem_is_named_with_its_option_and_the_next_step(
    shell: Shell, producer: SimulatedProducer
) -> None:
    """On standard error, so that a pipe stays clean."""
    faults = {"/list_id": "there is no list 12", "/mapping/fields/7": "there is no field 7", "": "is odd"}
    producer.refuse("POST /v1/exports", 422, "3 fields are not as needed.", faults)
    result = shell("exports", "add", "vip", "--connection", "c", "--segment", "s", "--list", "12", "--email", "E")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: 3 fields are not as needed.\n"
        "  --list: there is no list 12\n"
        "  --field 7: there is no field 7\n"
        "  the request: is odd\n"
        "Mend what is named, then say it again.\n"
    )


def test_a_wrong_token_says_where_to_put_a_good_one(shell: Shell, tmp_path: Path) -> None:
    """A token in a file goes before the one in the environment."""
    file = tmp_path / "token"
    file.write_text("wrong\n")
    result = shell("runs", "list", "--token-file", str(file))
    assert result.exit_code == 1
    assert "SEGMENT_EXPORT_TOKEN" in result.stderr
    assert "wrong" not in result.output


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (("connections", "show", "acme"), "GET /v1/connections/acme"),
        (("connections", "update", "acme", "--allow", "contributors"), "PATCH /v1/connections/acme"),
        (("connections", "delete", "acme"), "DELETE /v1/connections/acme"),
        (("exports", "list"), "GET /v1/exports"),
        (("exports", "show", "vip"), "GET /v1/exports/vip"),
        (("exports", "delete", "vip", "--yes"), "DELETE /v1/exports/vip"),
        (("exports", "run", "vip"), "POST /v1/exports/vip/runs"),
        (("runs", "show", "5f2c"), "GET /v1/runs/5f2c"),
        (("runs", "cancel", "5f2c"), "POST /v1/runs/5f2c/cancel"),
        (("runs", "pause", "5f2c"), "POST /v1/runs/5f2c/pause"),
        (("runs", "resume", "5f2c"), "POST /v1/runs/5f2c/resume"),
        (("tokens", "list"), "GET /v1/tokens"),
        (("tokens", "revoke", "cdp"), "DELETE /v1/tokens/cdp"),
    ],
)
def test_each_command_is_one_call(shell: Shell, producer: SimulatedProducer, words: tuple[str, ...], call: str) -> None:
    """Its answer is printed for people, and as it is for programs."""
    document = {"run": run_document("delivering"), "items": [], "next": None, "detached": ["vip"]}
    producer.answer(call, document)
    assert shell(*words).exit_code == 0
    assert json.loads(shell(*words, "--json").stdout) == document
    assert {f"{asked.method} {asked.path.partition('?')[0]}" for asked in producer.asked} == {call}


def test_a_check_that_finds_something_wrong_is_a_failure_to_the_shell(
    shell: Shell, producer: SimulatedProducer
) -> None:
    """A script can rely on it."""
    producer.answer("POST /v1/connections/acme/check", {"ok": True})
    producer.answer("POST /v1/connections/acme/check", {"ok": False, "field": "api_key", "detail": "is refused"})
    assert shell("connections", "check", "acme").exit_code == 0
    result = shell("connections", "check", "acme")
    assert result.exit_code == 1
    assert "is refused" in result.stdout


def test_accepting_is_said_to_the_api_only_when_it_is_said_here(shell: Shell, producer: SimulatedProducer) -> None:
    """Otherwise the run goes on as far as it may by itself."""
    producer.answer("POST /v1/runs/5f2c/resume", {"run": run_document("delivering")}, 202)
    shell("runs", "resume", "5f2c")
    shell("runs", "resume", "5f2c", "--accept")
    assert [asked.body for asked in producer.asked] == [None, {"accept": True}]


def test_what_a_person_says_stays_one_step_of_the_path(shell: Shell, producer: SimulatedProducer) -> None:
    """A name is not a way to other calls."""
    shell("runs", "cancel", "../x?y/z")
    assert producer.asked[0].path == "/v1/runs/..%2Fx%3Fy%2Fz/cancel"


def test_an_event_is_published_as_a_structured_cloudevent(
    shell: Shell, producer: SimulatedProducer, tmp_path: Path
) -> None:
    """A relative path is one of here, and the API gets the whole."""
    producer.answer("POST /v1/events", {"runs": ["5f2c"]}, 202)
    result = shell("publish", "vip", "vip.parquet", "--id", "e1", "--time", "2026-11-23T02:00:00Z", "--json")
    assert json.loads(result.stdout) == {"runs": ["5f2c"]}
    assert producer.asked[0].headers["Content-Type"] == "application/cloudevents+json"
    assert producer.asked[0].body == {
        "specversion": "1.0",
        "type": "segment.refreshed",
        "source": "/segment-export/cli",
        "id": "e1",
        "time": "2026-11-23T02:00:00+00:00",
        "subject": "vip",
        "datacontenttype": "application/json",
        "data": {"segment": "vip", "snapshot": str(Path.cwd() / "vip.parquet")},
    }


def test_publishing_for_a_segment_that_nobody_exports_says_why_nothing_runs(
    shell: Shell, producer: SimulatedProducer
) -> None:
    """It is taken, so all is well, unless somebody wanted to wait for a run."""
    producer.answer("POST /v1/events", {"runs": [], "reason": "no export names the segment"}, 202)
    taken = shell("publish", "vip", "file:///vip.parquet")
    assert taken.exit_code == 0
    assert "no export names the segment" in taken.stdout
    waited = shell("publish", "vip", "file:///vip.parquet", "--wait")
    assert waited.exit_code == 1
    assert "no export names the segment" in waited.stdout


@pytest.mark.parametrize(("state", "code"), [("succeeded", 0), ("partial", 3), ("failed", 1), ("superseded", 1)])
@pytest.mark.parametrize("words", [("runs", "watch", "5f2c"), ("exports", "run", "vip", "--wait")])
def test_waiting_ends_with_the_run_and_its_outcome_as_the_exit_code(
    shell: Shell, producer: SimulatedProducer, words: tuple[str, ...], state: str, code: int
) -> None:
    """In a pipe it tells each change of state in a line, and the books at the end."""
    producer.answer("POST /v1/exports/vip/runs", {"run": run_document("queued")}, 202)
    producer.answer("GET /v1/runs/5f2c", run_document(state))
    result = shell(*words)
    assert result.exit_code == code
    assert result.stdout.splitlines()[0].startswith(f"vip 5f2c: {state}")
    assert "SELECTED" in result.stdout


def test_publishing_and_waiting_gives_programs_only_the_runs_as_they_ended(
    shell: Shell, producer: SimulatedProducer
) -> None:
    """One document a line on standard output; how it went is on standard error."""
    producer.answer("POST /v1/events", {"runs": ["a", "b"]}, 202)
    producer.answer("GET /v1/runs/a", run_document("succeeded", id="a"))
    producer.answer("GET /v1/runs/b", run_document("partial", id="b"))
    result = shell("publish", "vip", "/vip.parquet", "--wait", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ["a", "b"]
    assert "vip b: partial" in result.stderr
    assert result.exit_code == 3


def test_watching_survives_a_producer_that_restarts(shell: Shell, producer: SimulatedProducer) -> None:
    """A lost connection and a 503 are told and waited for."""
    producer.hang_up("GET /v1/runs/5f2c")
    producer.refuse("GET /v1/runs/5f2c", 503, "The store is not there.")
    producer.answer("GET /v1/runs/5f2c", run_document("succeeded"))
    result = shell("runs", "watch", "5f2c")
    assert result.exit_code == 0
    assert "waiting: " in result.stdout


def test_a_preview_is_columns_and_rows(shell: Shell, producer: SimulatedProducer) -> None:
    """A path is one of here; a value cannot play with the terminal."""
    rows = [{"Email": "a***@example.org", "Name": "A\x1b[31mnn"}, {"Email": "b***@example.org", "Name": None}]
    columns = [{"name": "Email", "type": "string"}, {"name": "Seen", "type": "timestamp[us]"}]
    document = {"snapshot": "/data/vip.parquet", "files": 2, "bytes": 4_096, "rows": 1_000_000}
    producer.answer("GET /v1/snapshots/preview", document | {"columns": columns, "beginning": rows})
    result = shell("snapshots", "preview", "vip.parquet")
    assert result.exit_code == 0
    for shown in ("1,000,000", "timestamp[us]", "a***@example.org", "A\N{REPLACEMENT CHARACTER}[31mnn"):
        assert shown in result.stdout
    assert "\x1b" not in result.stdout
    shell("snapshots", "preview", "s3://bucket/vip/*.csv")
    assert [asked.query for asked in producer.asked] == [
        {"snapshot": os.path.abspath("vip.parquet")},  # noqa: PTH100  what a shell means
        {"snapshot": "s3://bucket/vip/*.csv"},
    ]


def test_rejects_are_a_table_or_as_they_come(shell: Shell, producer: SimulatedProducer) -> None:
    """A table shows the first hundred, and never what a terminal would obey."""
    reject = {"row": 7, "email": "a\x1b[31m@b", "fate": "invalid", "code": "email", "reason": "No address."}
    text = (json.dumps(reject) + "\n") * 101
    producer.answer_text("GET /v1/runs/5f2c/rejects", text, "application/x-ndjson")
    people, programs = shell("runs", "rejects", "5f2c"), shell("runs", "rejects", "5f2c", "--json")
    assert people.stdout.count("No address.") == 100
    assert "\x1b" not in people.stdout
    assert "--format csv" in people.stderr
    assert programs.stdout == text
    shell("runs", "rejects", "5f2c", "--format", "csv")
    assert [asked.query["format"] for asked in producer.asked] == ["ndjson", "ndjson", "csv"]


def test_a_redirect_is_not_followed(shell: Shell, producer: SimulatedProducer) -> None:
    """The token stays where it was meant to go."""
    producer.redirect("GET /v1/runs", "/elsewhere")
    producer.answer("GET /elsewhere", {"items": [], "next": None})
    assert shell("runs", "list").exit_code == 1
    assert len(producer.asked) == 1


def test_whoever_stops_watching_is_told_that_the_run_goes_on(producer: SimulatedProducer) -> None:
    """And how to watch again."""
    producer.answer("GET /v1/runs/5f2c", run_document("delivering"))
    environment = {**os.environ, "SEGMENT_EXPORT_URL": producer.url, "SEGMENT_EXPORT_TOKEN": TOKEN}
    # Whoever is started in the background ignores SIGINT, and so would what it starts.
    heeding = "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    heeding += "runpy.run_module('producer', run_name='__main__')"
    command = [sys.executable, "-u", "-c", heeding, "runs", "watch", "5f2c"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as watching:
        assert watching.stdout is not None
        assert "delivering" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=30)
    assert watching.returncode == 1
    assert "segment-export runs watch 5f2c" in said
    assert "Traceback" not in said


def test_moving_a_connection_shows_again_what_leaves_and_for_where(shell: Shell, producer: SimulatedProducer) -> None:
    """Consent was given for another host."""
    producer.answer("PATCH /v1/connections/acme", CONNECTION)
    moved = shell("connections", "update", "acme", "--host", "new.api-us1.com")
    assert "contacts leave our systems for ActiveCampaign at new.api-us1.com" in moved.stderr
    assert producer.asked[0].body == {"host": "new.api-us1.com"}


@pytest.mark.parametrize("status", [200, 302, 404])
def test_another_server_at_the_address_is_told_from_the_api(
    shell: Shell, producer: SimulatedProducer, status: int
) -> None:
    """A page of HTML is no success whatever its status."""
    producer.answer_text("GET /v1/runs", "<html>hello</html>", "text/html", status)
    result = shell("runs", "list")
    assert result.exit_code == 1
    assert "as the API of segment-export would" in result.stderr
    assert "--url" in result.stderr


def test_nobody_at_the_address_is_a_sentence_and_not_a_trace(shell: Shell, unused_tcp_port: int) -> None:
    """With a hint at what should run there."""
    result = shell("runs", "list", "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 1
    assert "segment-export serve" in result.stderr
    assert "Traceback" not in result.output


@pytest.fixture
def unused_tcp_port() -> int:
    """A port that nobody listens at."""
    with simulated_producer() as gone:
        return int(gone.url.rpartition(":")[2])


ISSUED = {
    "id": "t1",
    "name": "cdp",
    "role": "publisher",
    "expires": "2027-11-24T00:00:00.000Z",
    "token": "sgx_1_secret",
}


def test_a_token_is_shown_once_or_written_where_only_its_owner_reads_it(
    shell: Shell, producer: SimulatedProducer, tmp_path: Path
) -> None:
    """Then it is not on the screen as well; a file that is there already is not written over."""
    producer.answer("POST /v1/tokens", ISSUED, 201)
    shown = shell("tokens", "add", "cdp", "--role", "publisher", "--days", "30")
    assert "sgx_1_secret" in shown.stdout
    assert "only time" in shown.stderr
    assert producer.asked[0].body == {"name": "cdp", "role": "publisher", "expires": 30}
    file = tmp_path / "cdp.token"
    saved = shell("tokens", "add", "cdp", "--role", "publisher", "--save-to", str(file))
    assert (saved.exit_code, "sgx_1_secret" in saved.output) == (0, False)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("sgx_1_secret\n", 0o600)
    again = shell("tokens", "add", "cdp", "--role", "publisher", "--save-to", str(file))
    assert (again.exit_code, "File exists" in again.stderr, len(producer.asked)) == (2, True, 2)


def test_a_token_that_is_not_issued_leaves_no_file(shell: Shell, producer: SimulatedProducer, tmp_path: Path) -> None:
    """An empty one would look like a token."""
    producer.refuse("POST /v1/tokens", 422, "One field is not as needed.", {"/expires": "must lie ahead"})
    file = tmp_path / "cdp.token"
    words = ("--role", "viewer", "--until", "2020-01-01T00:00:00Z", "--save-to", str(file))
    result = shell("tokens", "add", "cdp", *words)
    assert (result.exit_code, file.exists()) == (1, False)
    assert "--days or --until: must lie ahead" in result.stderr
    assert shell("tokens", "add", "cdp", "--role", "viewer", "--days", "1", "--until", "2027-01-01").exit_code == 2


def test_rotating_says_what_no_key_of_ours_opens(shell: Shell, producer: SimulatedProducer) -> None:
    """And the shell hears of it, too: then the old key must not be dropped."""
    producer.answer("POST /v1/secrets/rotate", {"connections": 2, "rotated": 2, "unreadable": []})
    assert shell("secrets", "rotate").exit_code == 0
    producer.answer("POST /v1/secrets/rotate", {"connections": 2, "rotated": 0, "unreadable": ["acme"]})
    shell("secrets", "rotate")
    result = shell("secrets", "rotate")
    assert (result.exit_code, "acme" in result.stdout, "SECRET_KEYS" in result.stderr) == (1, True, True)


def test_a_change_whose_answer_is_lost_is_told_as_unknown(shell: Shell, producer: SimulatedProducer) -> None:
    """What comes after it is not begun."""
    producer.answer("GET /v1/connections", {"items": [], "next": None})
    producer.answer("GET /v1/exports", {"items": [{"name": "one"}, {"name": "two"}, {"name": "zoo"}], "next": None})
    producer.answer("POST /v1/rehearsals", {"refused": []})
    producer.answer("DELETE /v1/exports/one", {"ended_runs": []})
    producer.hang_up("DELETE /v1/exports/two")
    result = shell("apply", "-f", "-", "--prune", stdin="exports: []")
    assert (result.exit_code, result.stdout) == (1, "deleted export one\n")
    assert (
        "deleted: export one\nunknown whether done: delete export two\nnot done: delete export zoo\n" in result.stderr
    )
    assert "apply the same files again" in result.stderr


def test_a_rehearsal_that_cannot_be_read_changes_nothing(shell: Shell, producer: SimulatedProducer) -> None:
    """Nor does one that is not answered."""
    producer.answer("GET /v1/connections", {"items": [], "next": None})
    producer.answer("GET /v1/exports", {"items": [{"name": "one"}], "next": None})
    producer.answer("POST /v1/rehearsals", {"refused": [{"change": 7}]})
    producer.hang_up("POST /v1/rehearsals")
    for said in ("no rehearsal that this version", "broke off"):
        result = shell("apply", "-f", "-", "--prune", stdin="exports: []")
        assert (result.exit_code, result.stdout, said in result.stderr) == (1, "", True)
    assert not [asked for asked in producer.asked if asked.method == "DELETE"]


def test_long_lists_are_compared_whole(shell: Shell, producer: SimulatedProducer) -> None:
    """Part after part; otherwise what is on the second page would be made anew."""
    producer.answer("GET /v1/connections", {"items": [], "next": None})
    producer.answer("GET /v1/exports", {"items": [{"name": "one"}], "next": "one"})
    producer.answer("GET /v1/exports", {"items": [{"name": "two"}], "next": None})
    result = shell("diff", "-f", "-", "--prune", stdin="exports: []")
    assert (result.exit_code, result.stdout) == (3, "- export one\n- export two\n")
    assert [asked.query.get("after") for asked in producer.asked] == [None, None, "one"]


ENTRY = {
    "id": "1-0",
    "at": "2026-11-24T02:00:00.000Z",
    "who": "ann",
    "role": "admin",
    "remote": "10.0.0.7",
    "via": "api",
    "what": "connection.changed",
    "kind": "connection",
    "name": "acme",
    "object_id": "c1",
    "run": None,
    "changes": {"allow": ["contributors", "admins"]},
    "facts": {"api_key_changed": True},
}


def test_the_trail_is_a_table_or_the_lines_of_an_export(shell: Shell, producer: SimulatedProducer) -> None:
    """Filters go along, times that are said as a span with them; an export is as it comes."""
    lines = json.dumps(ENTRY) + "\n"
    producer.answer("GET /v1/audit", {"items": [ENTRY], "next": None})
    producer.answer_text("GET /v1/audit", lines, "application/x-ndjson")
    people = shell("audit", "--who", "ann", "--what", "connection", "--since", "12h")
    for shown in ("ann (admin)", "connection acme", "allow: contributors -> admins; api_key_changed: yes"):
        assert shown in people.stdout
    assert producer.asked[0].query.keys() == {"who", "what", "since", "limit"}
    assert producer.asked[0].headers["User-Agent"].endswith(" (audit)")
    exported = shell("audit", "-o", "ndjson", "--after", "0-1")
    assert (exported.exit_code, exported.stdout) == (0, lines)
    assert producer.asked[-1].query == {"format": "ndjson", "after": "0-1"}


def test_every_list_and_every_object_is_json_or_yaml_for_programs(shell: Shell, producer: SimulatedProducer) -> None:
    """Both say the same, and the words -o json and --json are one."""
    document = {"items": [CONNECTION], "next": None}
    producer.answer("GET /v1/connections", document)
    producer.answer("GET /v1/connections/acme", CONNECTION)
    for words, said in ((("connections", "list"), document), (("connections", "show", "acme"), CONNECTION)):
        assert yaml.safe_load(shell(*words, "-o", "yaml").stdout) == said
        assert shell(*words, "-o", "json").stdout == shell(*words, "--json").stdout == json.dumps(said) + "\n"


def test_runs_that_are_waited_for_are_documents_of_one_stream(shell: Shell, producer: SimulatedProducer) -> None:
    """YAML has a line between them."""
    for run in ("a", "b"):
        producer.answer(f"GET /v1/runs/{run}", run_document("succeeded", id=run))
    shown = shell("runs", "watch", "a", "b", "-o", "yaml").stdout
    assert [one["id"] for one in yaml.safe_load_all(shown)] == ["a", "b"]
