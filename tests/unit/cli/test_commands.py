"""Every command shows how it is called, refuses wrong calls before it opens a socket, and hides what is secret."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from producer.cli.examples import ExampleCommand
from producer.cli.root import cli

NOWHERE = {
    "SEGMENT_EXPORT_URL": "http://127.0.0.1:9",
    "SEGMENT_EXPORT_TOKEN": "token",
    "XDG_CONFIG_HOME": "/nowhere",
}


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(_commands(cli, ()))


def _call(*words: str, stdin: str = "", env: dict[str, str | None] | None = None) -> Result:
    return CliRunner().invoke(cli, list(words), input=stdin, env={**NOWHERE, **(env or {})})


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_shows_examples_that_it_would_take(path: tuple[str, ...]) -> None:
    """They are the first thing people copy."""
    command = COMMANDS[path]
    assert isinstance(command, ExampleCommand)
    shown = _call(*path, "--help").output
    for example in command.examples:
        assert f"  {example}\n" in shown
        words = shlex.split(example.partition(" < ")[0].partition(" >")[0])
        assert tuple(words[: len(path) + 1]) == ("segment-export", *path)
        command.make_context(" ".join(path), words[len(path) + 1 :])


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_no_option_takes_a_secret_itself(path: tuple[str, ...]) -> None:
    """Everybody on a machine sees everybody's command lines."""
    names = {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert not names & {"--key", "--api-key", "--token", "--password", "--secret"}


def test_without_a_token_a_command_says_where_to_put_it() -> None:
    """It is a wrong call, not a refusal."""
    result = _call("runs", "list", env={"SEGMENT_EXPORT_TOKEN": None})
    assert result.exit_code == 2
    assert "set SEGMENT_EXPORT_TOKEN, or say --token-file FILE" in result.stderr


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8080", "ftp://host", "http://", "http://user:word@host", "http://host:port", "http://host?x=1"]
)
def test_an_address_that_is_none_is_a_wrong_call(url: str) -> None:
    """Nothing is sent anywhere, and a password in it is not repeated."""
    result = _call("runs", "list", "--url", url)
    assert result.exit_code == 2
    assert "SEGMENT_EXPORT_URL" in result.stderr
    assert "user:word" not in result.stderr


@pytest.mark.parametrize("content", ["", " \n", "two words", "two\nlines", "schlüssel", "x" * 5_000])
def test_a_key_that_cannot_be_one_is_refused_without_being_repeated(content: str, tmp_path: Path) -> None:
    """It may be half of a real one."""
    file = tmp_path / "key"
    file.write_text(content)
    result = _call("connections", "update", "acme", "--key-file", str(file))
    assert result.exit_code == 2
    assert "ActiveCampaign API key: " in result.stderr
    assert not content.strip() or content.strip() not in result.stderr


def test_a_key_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    """Neither is one that holds no text."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    missing = _call("connections", "update", "acme", "--key-file", str(tmp_path / "none"))
    assert (missing.exit_code, "No such file" in missing.stderr) == (2, True)
    unreadable = _call("connections", "update", "acme", "--key-file", str(binary))
    assert (unreadable.exit_code, "holds no text" in unreadable.stderr) == (2, True)


@pytest.mark.parametrize("what", ["connections", "exports"])
def test_a_change_that_changes_nothing_is_a_wrong_call(what: str) -> None:
    """Somebody forgot to say what."""
    result = _call(what, "update", "name")
    assert (result.exit_code, "Nothing to change" in result.stderr) == (2, True)


@pytest.mark.parametrize("time", ["2026-11-23T02:00:00", "yesterday", "2026-11-23"])
def test_a_refresh_s_time_needs_its_offset(time: str) -> None:
    """Otherwise publishers in two zones would overtake each other."""
    result = _call("publish", "vip", "/vip.parquet", "--time", time)
    assert (result.exit_code, "with its offset" in result.stderr) == (2, True)


@pytest.mark.parametrize(("shell", "word"), [("bash", "complete -o"), ("zsh", "#compdef"), ("fish", "complete ")])
def test_a_shell_gets_its_completion(shell: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name of the console script, whatever this process is called."""
    monkeypatch.setattr("click.shell_completion.BashComplete._check_version", staticmethod(lambda: None))
    result = _call("completion", shell)
    assert result.exit_code == 0
    assert word in result.stdout
    assert "_SEGMENT_EXPORT_COMPLETE" in result.stdout


def test_completion_knows_the_commands() -> None:
    """As a shell asks for them."""
    asked = {"_SEGMENT_EXPORT_COMPLETE": "fish_complete", "COMP_WORDS": "segment-export runs wa", "COMP_CWORD": "wa"}
    result = CliRunner().invoke(cli, [], env=asked, prog_name="segment-export")
    assert result.stdout.startswith("plain,watch")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stand in for the composition root, which opens everything."""
    app = ModuleType("producer.app")
    monkeypatch.setitem(sys.modules, "producer.app", app)
    return app


def test_serve_ends_with_the_producer_s_exit_code(served: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is handed the environment and nothing else."""
    given = list[Mapping[str, str]]()

    def serve(environ: Mapping[str, str]) -> int:
        given.append(dict(environ))
        return 7

    monkeypatch.setattr(served, "serve", serve, raising=False)
    assert _call("serve", env={"SEGMENT_EXPORT_LISTEN": "here"}).exit_code == 7
    assert given[0]["SEGMENT_EXPORT_LISTEN"] == "here"


def test_a_deletion_is_asked_about_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says no has called nothing."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    result = _call("exports", "delete", "vip", stdin="n\n")
    assert result.exit_code == 1
    assert "Delete export vip and end its runs?" in result.stderr
    assert "Aborted" in result.stderr


def test_every_command_that_asks_the_api_prints_for_programs_and_knows_contexts() -> None:
    """Nobody has to remember which ones do."""
    without = {("serve",), ("completion",), ("schema",)}
    for path, command in COMMANDS.items():
        options = {option for parameter in command.params for option in parameter.opts}
        if path not in without and path[0] != "context":
            assert {"--context", "--url", "--token-file", "--output", "--json"} <= options, path
    assert "--output" in {option for parameter in COMMANDS["context", "list"].params for option in parameter.opts}


def test_every_command_and_every_group_says_what_it_is_for() -> None:
    """In a sentence, and so does each of its options."""

    def told(command: click.Command, path: tuple[str, ...]) -> None:
        assert (command.help or "").partition("\n")[0].endswith("."), path
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), (path, parameter.name)
        for name, inner in getattr(command, "commands", {}).items():
            told(inner, (*path, name))

    told(cli, ())


@pytest.mark.parametrize("time", ["yesterday", "12", "2026-11-24", "2026-11-24T02:00:00"])
def test_a_time_of_the_trail_is_one_with_its_offset_or_a_span(time: str) -> None:
    """Otherwise a night would be looked for in the wrong hours."""
    result = _call("audit", "--since", time)
    assert (result.exit_code, "--since must be like" in result.stderr) == (2, True)
