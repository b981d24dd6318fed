"""Contexts: several servers by name, in a file that only their owner may read; what is nearer to the call goes first."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from producer.cli.reaching import reached
from producer.cli.root import cli
from producer.cli.servers import read

PROD = "https://exports.example.com"
STAGING = "https://staging.example.com:8443"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, with no variable of ours set."""
    for name in ("URL", "TOKEN", "CONTEXT"):
        monkeypatch.delenv(f"SEGMENT_EXPORT_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def _call(*words: str, stdin: str = "") -> Result:
    return CliRunner().invoke(cli, ["context", *words], input=stdin)


def _file(home: Path) -> Path:
    return home / "config" / "segment-export" / "contexts.json"


def _reached(context: str | None = None, url: str | None = None, token_file: str | None = None) -> tuple[str, str]:
    return reached(context=context, url=url, token_file=token_file)


@pytest.fixture
def both(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers: one with its token in a file, which is in use, and one with it in a variable."""
    (home / "prod.token").write_text("prod-token\n")
    assert _call("add", "prod", "--url", PROD, "--token-file", str(home / "prod.token")).exit_code == 0
    assert _call("add", "staging", "--url", STAGING, "--token-env", "STAGING_TOKEN").exit_code == 0
    monkeypatch.setenv("STAGING_TOKEN", "staging-token")


@pytest.mark.usefixtures("both")
def test_the_first_one_is_in_use_until_another_is_named(home: Path) -> None:
    """And only the owner may read the file."""
    assert _reached() == (PROD, "prod-token")
    assert _call("use", "staging").exit_code == 0
    assert _reached() == (STAGING, "staging-token")
    assert _file(home).stat().st_mode & 0o777 == 0o600
    assert _file(home).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("both")
def test_a_context_that_is_named_with_the_call_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says; it says which one where none is named."""
    monkeypatch.setenv("SEGMENT_EXPORT_CONTEXT", "staging")
    assert _reached() == (STAGING, "staging-token")
    monkeypatch.setenv("SEGMENT_EXPORT_URL", "http://elsewhere:1")
    monkeypatch.setenv("SEGMENT_EXPORT_TOKEN", "another")
    assert _reached("prod") == (PROD, "prod-token")


@pytest.mark.usefixtures("both")
def test_variables_go_before_the_context_in_use(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """And options before both."""
    monkeypatch.setenv("SEGMENT_EXPORT_TOKEN", "another")
    assert _reached() == (PROD, "another")
    monkeypatch.setenv("SEGMENT_EXPORT_URL", "http://elsewhere:1")
    assert _reached() == ("http://elsewhere:1", "another")
    assert _reached(url=STAGING, token_file=str(home / "prod.token")) == (STAGING, "prod-token")


@pytest.mark.usefixtures("both")
def test_a_context_s_token_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names another address has to name a token, too."""
    monkeypatch.setenv("SEGMENT_EXPORT_URL", "http://elsewhere:1")
    for said in ({}, {"url": "http://elsewhere:2"}, {"context": "prod", "url": "http://elsewhere:2"}):
        with pytest.raises(Exception, match=f"There is no token: .* is for {PROD} only"):
            _reached(**said)


def test_without_any_context_there_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ever."""
    monkeypatch.setenv("SEGMENT_EXPORT_TOKEN", "token")
    assert _reached() == ("http://127.0.0.1:8080", "token")


def test_a_stored_token_is_asked_for_and_never_shown(home: Path) -> None:
    """Neither by the list nor by what is said; once others may read the file, nothing works before that is mended."""
    added = _call("add", "local", "--url", "http://127.0.0.1:8080", "--store-token", stdin="very-secret\n")
    listed = [_call("list", *form) for form in ((), ("--json",), ("-o", "yaml"))]
    assert "very-secret" not in added.output + "".join(one.output for one in listed) + repr(read())
    assert json.loads(listed[1].stdout)["items"] == [
        {"name": "local", "current": True, "url": "http://127.0.0.1:8080", "token": "stored"}
    ]
    assert _reached() == ("http://127.0.0.1:8080", "very-secret")
    _file(home).chmod(0o644)
    refused = _call("list")
    assert (refused.exit_code, f"chmod 600 {_file(home)}" in refused.stderr) == (2, True)


@pytest.mark.usefixtures("both")
def test_what_is_removed_is_gone_and_nothing_else_is() -> None:
    """If it was in use, nothing is; the next step is said."""
    removed = _call("remove", "prod")
    assert (removed.exit_code, "context use NAME" in removed.stderr) == (0, True)
    assert sorted(read().known) == ["staging"]
    assert read().current is None


@pytest.mark.parametrize("words", [("use", "none"), ("remove", "none", "--yes")])
@pytest.mark.usefixtures("both")
def test_a_name_that_is_not_known_says_which_are(words: tuple[str, ...]) -> None:
    """Nothing changes."""
    result = _call(*words)
    assert (result.exit_code, "there is prod, staging" in result.stderr) == (2, True)
    assert read().current == "prod"


@pytest.mark.parametrize("words", [("--url", "ftp://x"), ("--url", PROD, "--token-env", "A", "--token-file", "b")])
def test_what_cannot_be_meant_is_not_kept(words: tuple[str, ...]) -> None:
    """It is a wrong call."""
    assert _call("add", "prod", *words).exit_code == 2
    assert read().known == {}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"contexts": {"a": {}}}', '{"contexts": {"a": {"url": "x", "token": {"k": 1}}}}']
)
def test_a_file_that_is_broken_is_named(home: Path, text: str) -> None:
    """With what to do; nothing of it is repeated."""
    _file(home).parent.mkdir(parents=True)
    _file(home).write_text(text)
    result = _call("list")
    assert (result.exit_code, str(_file(home)) in result.stderr) == (2, True)


@pytest.mark.usefixtures("both")
def test_a_shell_completes_the_names() -> None:
    """From the file."""
    asked = {
        "_SEGMENT_EXPORT_COMPLETE": "fish_complete",
        "COMP_WORDS": "segment-export context use st",
        "COMP_CWORD": "st",
    }
    result = CliRunner().invoke(cli, [], env=asked, prog_name="segment-export")
    assert result.stdout.startswith("plain,staging")
