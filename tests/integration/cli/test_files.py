"""Files over the real API and a real store: round trips, edits, pruning, and a server that refuses in the middle."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from producer.accounts.findings import CheckResult
from producer.cli.files.schema import DeclaredExport
from producer.cli.root import cli
from producer.registry.model import Allow, Limits
from producer.services.requests import MappingBody
from tests.integration.serving import API_KEY, TOKEN, VAULT, Served, connection, export, serving
from tests.logged import logged
from wire.store.redis import Store

WithStore = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
Shell = Callable[..., Awaitable[Result]]
Body = Callable[[Served, Shell], Coroutine[Any, Any, None]]


@pytest.fixture
def served(with_store: WithStore, tmp_path: Path) -> Callable[[Body], None]:
    """Run a scenario against the API, with `segment-export` as its shell."""

    def run(body: Body) -> None:
        async def scenario(store: Store) -> None:
            async with serving(store) as api:
                url = str(api.client.make_url("/")).rstrip("/")

                async def shell(*words: str, stdin: str = "", token: str = TOKEN, **variables: str) -> Result:
                    env = {"SEGMENT_EXPORT_URL": url, "SEGMENT_EXPORT_TOKEN": token, **variables}
                    return await asyncio.to_thread(CliRunner().invoke, cli, list(words), input=stdin, env=env)

                await body(api, shell)

        with logged():
            with_store(scenario)

    return run


TIMED: dict[str, Any] = {
    "schedule": {"cron": "0 6 * * 1-5", "zone": "Europe/Zurich"},
    "enabled": False,
    "stale_after_hours": 180.0,
}


async def _furnish(api: Served) -> None:
    """Register two connections, and exports that use every option among them."""
    limits = Limits(imports_per_minute=60, single_imports_per_minute=10, requests_per_second=2.5)
    await api.registry.save_connection(connection(), secret=VAULT.seal("id-main", SecretStr(API_KEY)))
    other = connection("eu-2", host="eu.api-us1.com", allow=Allow.CONTRIBUTORS, display_name="Über", limits=limits)
    await api.registry.save_connection(other, secret=VAULT.seal("id-eu-2", SecretStr(API_KEY)))
    await api.registry.save_export(export())
    marks = {"leavers": "field", "leavers_field": {"id": "9", "left": "no", "present": "yes"}}
    await api.registry.save_export(export("marked", connection="id-eu-2", full_every_runs=7, brake=None, **marks))
    cut = {"leavers": "unsubscribe", "leavers_confirm": "by_hand", "leavers_guard": {"share": 0.1, "number": 5}}
    await api.registry.save_export(export("cut", default_region="GB", full_every_days=1.5, **cut, **TIMED))
    mapping = {"email": "E", "first_name": "F", "last_name": "L", "phone": "P", "tags_column": "T", "id": "I"}
    times = {"budget_minutes": 45.5, "patience_minutes": 10.0, "delivery_patience_minutes": 60.0}
    brake = {"share": 0.5, "number": 7}
    every = {"mapping": mapping | {"fields": {"7": "Tier"}, "tags": ["a", "b"]}, "brake": brake, "automations": True}
    every["changed_address"] = "leaver_and_newcomer"
    await api.registry.save_export(export("whole", segment="all", list_id="13", **every, **times))


KEYS = {"ACTIVECAMPAIGN_KEY_MAIN": API_KEY, "ACTIVECAMPAIGN_KEY_EU_2": API_KEY}


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_was_got_makes_a_clean_server_the_same(served: Callable[[Body], None], tmp_path: Path, form: str) -> None:
    """Then diff says nothing, also with --prune; without the keys nothing is done by half."""
    file = tmp_path / "exports.yaml"

    async def got(api: Served, shell: Shell) -> None:
        await _furnish(api)
        result = await shell("get", "-o", form)
        assert result.exit_code == 0, result.output
        file.write_text(result.stdout)
        same = await shell("diff", "-f", str(file), "--prune")
        assert (same.exit_code, same.output) == (0, "")

    async def put(api: Served, shell: Shell) -> None:
        for one in await api.registry.exports():
            await api.registry.delete_export(one.name)
        for each in await api.registry.connections():
            await api.registry.delete_connection(each.name)
        keyless = await shell("apply", "-f", str(file), ACTIVECAMPAIGN_KEY_MAIN=API_KEY, ACTIVECAMPAIGN_KEY_EU_2="")
        assert keyless.exit_code == 2
        assert "ACTIVECAMPAIGN_KEY_EU_2" in keyless.stderr
        assert await api.registry.connections() == []
        dry = await shell("apply", "-f", str(file), "--dry-run", **KEYS)
        assert (dry.exit_code, await api.registry.connections()) == (0, [])
        done = await shell("apply", "-f", str(file), **KEYS)
        assert done.exit_code == 0, done.output
        assert API_KEY not in done.output
        same = await shell("diff", "-f", str(file), "--prune")
        assert (same.exit_code, same.output) == (0, "")
        again = await shell("get", "-o", form)
        assert again.stdout == file.read_text()

    async def both(api: Served, shell: Shell) -> None:
        await got(api, shell)
        await put(api, shell)

    served(both)


def test_the_round_trip_has_every_option_that_an_export_has(served: Callable[[Body], None]) -> None:
    """Whoever adds one has to furnish an export with it: a default would go round by itself."""

    async def body(api: Served, _: Shell) -> None:
        await _furnish(api)
        documents = [one.document() | {"connection": one.connection} for one in await api.registry.exports()]
        said: dict[str, set[str]] = {}
        for document in documents:
            for name, value in {**document, **document["mapping"]}.items():
                said.setdefault(name, set()).add(str(value))
        options = {*DeclaredExport.model_fields, *MappingBody.model_fields} - {"confirm_unsubscribe"}
        assert options <= said.keys()
        assert {name for name in options if len(said[name]) == 1} == set()

    served(body)


EDITED = """\
connections:
  - {name: main, host: acme.api-us1.com, api_key: {file: main.key}, consent: true, allow: contributors}
exports:
  - name: vips
    connection: main
    segment: vip
    list_id: "13"
    mapping: {email: Email, tags: [vip]}
    brake: null
  - name: fresh
    connection: main
    segment: fresh
    list_id: "12"
    mapping: {email: Email}
"""


def test_edits_are_told_by_a_dry_run_and_then_made(served: Callable[[Body], None], tmp_path: Path) -> None:
    """What the dry run told is what is done, and with --prune the rest goes."""
    file = tmp_path / "edited.yaml"
    file.write_text(EDITED)

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        dry = await shell("apply", "-f", str(file), "--prune", "--dry-run", "--json")
        told = json.loads(dry.stdout)["changes"]
        assert [(one["action"], one["name"]) for one in told] == [
            *(("change", "main"), ("change", "vips"), ("create", "fresh")),
            *(("delete", "cut"), ("delete", "marked"), ("delete", "whole"), ("delete", "eu-2")),
        ]
        assert {one.name for one in await api.registry.exports()} == {"cut", "marked", "vips", "whole"}
        seen = await shell("diff", "-f", str(file), "--prune")
        assert (seen.exit_code, "    list_id: 12 -> 13\n" in seen.stdout) == (3, True)
        done = await shell("apply", "-f", str(file), "--prune", "--json")
        made = json.loads(done.stdout)["changes"]
        assert made == [one | {"done": True} for one in told]
        vips = await api.registry.export("vips")
        assert (vips.list_id, vips.brake, vips.mapping["tags"]) == ("13", None, ["vip"])
        main = await api.registry.connection("main")
        assert (main.allow, await api.registry.secret(main.id) != b"") == (Allow.CONTRIBUTORS, True)
        assert [one.name for one in await api.registry.exports()] == ["fresh", "vips"]
        assert [one.name for one in await api.registry.connections()] == ["main"]
        assert (await shell("diff", "-f", "-", "--prune", stdin=EDITED)).output == ""

    served(body)


WRONG = """\
connections:
  - {name: main, host: acme.api-us1.com, api_key: {env: GOOD}, consent: true}
  - {name: other, host: eu.api-us1.com, api_key: {env: WRONG}, consent: true}
exports:
  - name: vips
    connection: main
    segment: vip
    list_id: "12"
    mapping: {email: Email}
  - name: fresh
    connection: main
    segment: fresh
    list_id: "99"
    mapping: {email: Email}
  - name: lost
    connection: main
    segment: lost
    list_id: "98"
    mapping: {email: Email}
  - name: over-other
    connection: other
    segment: vip
    list_id: "12"
    mapping: {email: Email}
"""


@pytest.mark.parametrize("dry", [True, False])
def test_what_the_server_would_refuse_is_told_all_at_once_and_nothing_is_made(
    served: Callable[[Body], None], *, dry: bool
) -> None:
    """A key, two lists, each with its line; what hangs on the refused connection may be good, and is not told off."""

    async def body(api: Served, shell: Shell) -> None:
        words = ("apply", "-f", "-", *(("--dry-run",) if dry else ()))
        refused = await shell(*words, stdin=WRONG, GOOD=API_KEY, WRONG="wrong-key")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.splitlines() == [
            "Error: Nothing was changed:",
            "  -:3: api_key ActiveCampaign refuses the key",
            "  -:13: list_id there is no such list",
            "  -:18: list_id there is no such list",
        ]
        assert (await api.registry.connections(), await api.registry.exports()) == ([], [])

    served(body)


def test_a_change_and_a_deletion_that_would_be_refused_hold_back_the_good_ones(served: Callable[[Body], None]) -> None:
    """Also for a contributor, who may not touch what is closed; also where --prune would delete."""
    text = """\
exports:
  - {name: marked, connection: eu-2, segment: changed, list_id: "12", mapping: {email: Email}}
  - {name: vips, connection: main, segment: vip, list_id: "77", mapping: {email: Email}}
"""

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        before = await api.registry.exports()
        refused = await shell("apply", "-f", "-", "--prune", stdin=text)
        assert (refused.exit_code, "-:3: list_id there is no such list" in refused.stderr) == (1, True)
        forbidden = await shell("apply", "-f", "-", "--prune", stdin=text.replace("77", "13"), token="contributor")
        assert forbidden.exit_code == 1
        assert "-:3: This is not for you" in forbidden.stderr
        assert "  delete export cut: The connection is for administrators only." in forbidden.stderr
        assert await api.registry.exports() == before

    served(body)


def test_while_an_account_answers_no_questions_nothing_is_made(served: Callable[[Body], None]) -> None:
    """Nobody knows whether it would be refused."""

    async def body(api: Served, shell: Shell) -> None:
        api.checks.busy = True
        away = await shell("apply", "-f", "-", stdin=WRONG, GOOD=API_KEY, WRONG=API_KEY)
        assert (away.exit_code, "Try again soon" in away.stderr) == (1, True)
        assert await api.registry.connections() == []

    served(body)


def test_a_refusal_that_nobody_could_foresee_says_what_was_done(
    served: Callable[[Body], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that goes between the rehearsal and the change; applied again, it goes on from there."""

    async def body(api: Served, shell: Shell) -> None:
        looked = api.checks.check_list

        async def check(host: str, key: SecretStr, list_id: str) -> CheckResult:
            found = await looked(host, key, list_id)
            if sum(one.startswith("list") for one in api.checks.asked) == good.count("list_id"):
                api.checks.known.discard("12")
            return found

        monkeypatch.setattr(api.checks, "check_list", check)
        good = WRONG.replace("99", "13").replace("98", "13")
        stopped = await shell("apply", "-f", "-", stdin=good, GOOD=API_KEY, WRONG=API_KEY)
        assert stopped.exit_code == 1, stopped.output
        assert "-:8: list_id there is no such list" in stopped.stderr
        assert "created: connection other" in stopped.stderr
        assert "refused: create export vips" in stopped.stderr
        assert "not done: create export fresh" in stopped.stderr
        assert API_KEY not in stopped.output

    served(body)


def test_rehearsed_is_what_would_be_refused_by_the_calls_themselves(served: Callable[[Body], None]) -> None:
    """Names that are taken, roles, unknown names, bodies: with the same status, and nothing else happens."""
    export_body = {"connection": "main", "segment": "s", "list_id": "12", "mapping": {"email": "E"}}
    changes: list[tuple[str, str, str, dict[str, Any]]] = [
        ("create", "exports", "vips", export_body | {"name": "vips"}),
        ("create", "exports", "new", export_body | {"name": "new"}),
        ("create", "exports", "new", export_body | {"name": "new"}),
        ("change", "exports", "none", {"segment": "x"}),
        ("change", "exports", "vips", {"list_id": 12}),
        ("change", "connections", "main", {"name": "eu-2"}),
        ("delete", "connections", "none", {}),
        ("delete", "exports", "new", {}),
        ("create", "exports", "new", export_body | {"name": "new"}),
    ]

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        said = {"changes": [dict(zip(("action", "kind", "name", "body"), one, strict=True)) for one in changes]}
        status, answer = await api.ask("POST", "/v1/rehearsals", said)
        assert status == 200
        assert {one["change"]: one["status"] for one in answer["refused"]} == {
            0: 409,
            2: 409,
            3: 404,
            4: 422,
            5: 409,
            6: 404,
        }
        assert {one.name for one in await api.registry.exports()} == {"cut", "marked", "vips", "whole"}
        headers = {"Authorization": "Bearer contributor"}
        status, theirs = await api.ask("POST", "/v1/rehearsals", said, headers=headers)
        refused = {one["change"]: one["status"] for one in theirs["refused"]}
        assert {refused[0], refused[1], refused[5], refused[6]} == {403}

    served(body)


def test_whoever_is_no_administrator_has_exports_alone(served: Callable[[Body], None], tmp_path: Path) -> None:
    """And no file of connections."""

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        got = await shell("get", token="viewer")
        assert got.stdout.startswith("exports:\n")
        assert (await shell("diff", "-f", "-", "--prune", stdin=got.stdout, token="viewer")).stdout == ""
        refused = await shell("diff", "-f", "-", stdin=EDITED, token="viewer")
        assert (refused.exit_code, "Only an administrator" in refused.stderr) == (2, True)

    served(body)


def test_faulty_files_change_nothing(served: Callable[[Body], None], tmp_path: Path) -> None:
    """Every fault is told, with its line, and the good part is not made."""

    async def body(api: Served, shell: Shell) -> None:
        faulty = EDITED.replace('"13"', "13").replace("allow: contributors", "allow: everybody")
        result = await shell("apply", "-f", "-", stdin=faulty)
        assert result.exit_code == 2
        assert "  -:2: allow" in result.stderr
        assert "  -:7: list_id" in result.stderr
        assert await api.registry.connections() == []

    served(body)


def test_a_deletion_is_asked_about_on_a_terminal(
    served: Callable[[Body], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says no has changed nothing, not even what is no deletion; --yes is not asked."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    file = tmp_path / "none.yaml"
    file.write_text("exports: []")

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        asked = await shell("apply", "-f", str(file), "--prune", stdin="n\n")
        assert (asked.exit_code, "Delete these" in asked.stderr) == (1, True)
        assert "delete export vips" in asked.stderr
        assert len(await api.registry.exports()) == 4
        assert (await shell("apply", "-f", str(file), "--prune", "--yes")).exit_code == 0
        assert await api.registry.exports() == []
        assert len(await api.registry.connections()) == 2

    served(body)


def test_a_key_is_sent_again_when_asked_for(served: Callable[[Body], None]) -> None:
    """The server checks it as always: a wrong one is refused with its line."""
    text = (
        "connections:\n- {name: main, display_name: main, host: acme.api-us1.com, api_key: {env: KEY}, consent: true}\n"
    )

    async def body(api: Served, shell: Shell) -> None:
        await _furnish(api)
        before = await api.registry.secret("id-main")
        assert (await shell("apply", "-f", "-", stdin=text, KEY="wrong-one")).stderr == "Nothing differs.\n"
        wrong = await shell("apply", "-f", "-", "--send-keys", stdin=text, KEY="wrong-one")
        assert (wrong.exit_code, "-:2: api_key ActiveCampaign refuses the key" in wrong.stderr) == (1, True)
        assert "wrong-one" not in wrong.output
        assert await api.registry.secret("id-main") == before
        assert (await shell("apply", "-f", "-", "--send-keys", stdin=text, KEY=API_KEY)).exit_code == 0
        assert await api.registry.secret("id-main") != before

    served(body)


def test_schedules_and_notification_channels_go_round_with_everything_else(
    served: Callable[[Body], None], tmp_path: Path
) -> None:
    """Secrets by reference; then diff says nothing, and the secret that the file names signs."""
    file = tmp_path / "all.yaml"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    async def both(api: Served, shell: Shell) -> None:
        await _furnish(api)
        timed = {
            "schedule": {"cron": "0 6 * * 1-5", "zone": "Europe/Zurich"},
            "stale_after_hours": 180,
            "enabled": False,
        }
        assert (await api.ask("PATCH", "/v1/exports/vips", timed))[0] == 200
        hook = {"name": "night-2", "kind": "webhook", "url": "https://hooks.example.com/x", "exports": ["cut", "vips"]}
        mail = {"name": "team", "kind": "email", "addresses": ["a@example.com"], "events": ["failed", "recovered"]}
        for said in (hook, mail):
            assert (await api.ask("POST", "/v1/notifications", said))[0] == 201
        got = await shell("get")
        file.write_text(got.stdout)
        assert "NOTIFICATION_SECRET_NIGHT_2" in got.stdout
        assert (await shell("diff", "-f", str(file), "--prune")).output == ""
        for one in await api.registry.exports():
            await api.registry.delete_export(one.name)
        for name in ("night-2", "team"):
            assert (await api.ask("DELETE", f"/v1/notifications/{name}"))[0] == 200
        without = await shell("apply", "-f", str(file), **KEYS)
        assert (without.exit_code, "NOTIFICATION_SECRET_NIGHT_2" in without.stderr) == (2, True)
        done = await shell("apply", "-f", str(file), **KEYS, NOTIFICATION_SECRET_NIGHT_2=secret)
        assert (done.exit_code, secret in done.output) == (0, False), done.output
        assert (await shell("diff", "-f", str(file), "--prune")).output == ""
        assert (await shell("get")).stdout == file.read_text()
        _, shown = await api.ask("GET", "/v1/exports/vips")
        assert {name: shown[name] for name in timed} == timed
        file.write_text("notifications: []\n")
        exports = await api.registry.exports()
        pruned = await shell("apply", "-f", str(file), "--prune", "--yes")
        assert pruned.stdout.splitlines() == ["deleted notification night-2", "deleted notification team"]
        assert await api.registry.exports() == exports

    served(both)


def test_every_fault_of_a_channel_in_a_file_is_told_with_its_line(served: Callable[[Body], None]) -> None:
    """A secret of its own in the file among them; and nothing is done."""
    text = """\
notifications:
  - name: night
    kind: webhook
    url: https://hooks.example.com/x
    exports:
      - vips
      - gone
    secret: {env: NIGHT}
"""

    async def scenario(api: Served, shell: Shell) -> None:
        await _furnish(api)
        told = await shell("apply", "-f", "-", stdin=text, NIGHT="x")
        assert (told.exit_code, "-:7: exports.1 there is no export gone" in told.stderr) == (2, True)
        private = text.replace("hooks.example.com", "10.0.0.7").replace("      - gone\n", "")
        told = await shell("apply", "-f", "-", stdin=private, NIGHT="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        assert (told.exit_code, "-:4: url must be https, and at a public host" in told.stderr) == (1, True)
        wrong = text.replace("{env: NIGHT}", "whsec_canary").replace("webhook", "telegram").replace("url", "uri")
        told = await shell("apply", "-f", "-", stdin=wrong)
        assert told.exit_code == 2
        for fault in ("-:3: kind", "-:4: uri is not a known field", "-:8: secret"):
            assert fault in told.stderr
        assert "canary" not in told.output
        told = await shell("apply", "-f", "-", stdin=text.replace("    secret: {env: NIGHT}\n", ""))
        assert "secret is needed by a webhook" in told.stderr
        assert (await api.ask("GET", "/v1/notifications"))[1]["items"] == []

    served(scenario)


def test_whoever_is_no_administrator_gets_no_channels(served: Callable[[Body], None]) -> None:
    """They are left out, and files with them are refused."""

    async def scenario(api: Served, shell: Shell) -> None:
        await _furnish(api)
        got = await shell("get", token="viewer")
        assert (got.exit_code, "notifications:" in got.stdout) == (0, False)
        assert "Only an administrator sees notification channels" in got.stderr
        told = await shell("diff", "-f", "-", stdin="notifications: []\n", token="contributor")
        assert (told.exit_code, "Only an administrator sees notification channels" in told.stderr) == (2, True)

    served(scenario)
