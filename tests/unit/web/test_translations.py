"""The page's languages: every text has its German, sentences with values find theirs, and no browser is misheard."""

import ast
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import pytest
from babel.messages.extract import extract_from_dir

from producer.snapshots.formats.csv_quotes import ESCAPED, TEXT_AFTER, UNQUOTED
from producer.web.rendering.translations import GAP, load_languages, preferred, read_catalogue

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "producer" / "web"
METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS: Final = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}
KEYWORDS: Final = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2), "text": (2,)}
"""Where texts stand in code and templates; `text(request, MESSAGE)` is `rendering`'s."""

SPEAKERS: Final = (
    *(
        f"producer/api/{name}.py"
        for name in ("access", "problem_responses", "request_body", "request_limits", "token_throttle")
    ),
    *(f"producer/services/{name}.py" for name in ("bodies", "connections", "exports", "permissions", "errors")),
    *(f"producer/services/{name}.py" for name in ("requests", "runs", "tokens")),
    *("producer/accounts/checker.py", "producer/intake/open_runs.py", "producer/intake/schedule.py"),
    *("producer/web/middleware.py", "producer/web/pages/connections.py", "producer/web/pages/export_edit.py"),
    *("producer/web/pages/exports.py", "producer/registry/store.py", "producer/access/tokens.py", "wire/http/hosts.py"),
)
"""Modules whose sentences reach people on the page."""

SAYING: Final = frozenset(
    {
        "Problem",
        "NotFound",
        "Forbidden",
        "Invalid",
        "TryLater",
        "Wrong",
        "invalid_fields",
        "_later",
        "ValueError",
        "ScheduleError",
        "InvalidHost",
    }
    | {"NameTaken", "Unregistered", "ChangedMeanwhile", "RunsUnderWay", "TokenNameTaken", "NoSuchToken"}
    | {"Unusable", "Pointless", "Detached", "ForAdmins", "Conflicting", "Contended"}
)
"""What the core says things by: its errors and its findings."""


BEHIND_A_FILE: Final = frozenset({"Truncated", "Swollen", "UnclearColumns"})
WHOLE: Final = frozenset(
    {"Missing", "Forbidden", "Unreachable", "Interrupted", "Unsupported", "Changed", "OutsideRoots"}
)
IN_A_ROW: Final = frozenset({"BadRow", "TextlessColumn"})
"""What snapshots say: behind the file's name, as it is, and behind file, row and column."""


def forms_of(source: str, saying_by: frozenset[str] = SAYING) -> set[str]:
    """Find the sentences of a module, values as gaps."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    saying = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in saying_by]
    forms = {form for call in saying for argument in call.args for form in _forms(argument)}
    return {form for form in forms if " " in form.strip()}


def _forms(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            gaps = count()
            yield "".join(
                str(value.value) if isinstance(value, ast.Constant) else f"{{{next(gaps)}}}" for value in values
            )
        case ast.IfExp(body=one, orelse=other):
            yield from (*_forms(one), *_forms(other))
        case ast.Dict(values=values):
            for value in values:
                yield from _forms(value)
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            yield from (one + other for one in _forms(left) for other in _forms(right))
        case _:
            pass


def _said() -> set[str | tuple[str, ...]]:
    found = extract_from_dir(str(PAGE), METHODS, OPTIONS, KEYWORDS)
    return {message for _, _, message, _, _ in found}


def test_every_text_of_the_page_has_its_german_and_no_german_is_left_over() -> None:
    """Whoever writes a text in English writes it in German in the same commit."""
    translated = {message.id: message.string for message in read_catalogue("de", "texts") if message.id}
    said = _said()
    assert sorted(map(str, said - translated.keys())) == []
    assert sorted(map(str, translated.keys() - said)) == []
    assert [message for message, german in translated.items() if not (all(german) if german else False)] == []


def test_translations_have_the_values_of_their_texts_and_no_others() -> None:
    """Named ones in texts, numbered gaps in sentences."""
    for message in read_catalogue("de", "texts"):
        if message.id:
            assert not list(message.check()), message.id
    for code in ("de", "en"):
        for message in read_catalogue(code, "sentences"):
            assert set(GAP.findall(str(message.string))) <= set(GAP.findall(str(message.id))), message.id


def test_every_sentence_that_the_core_may_say_to_the_page_has_its_german() -> None:
    """Found where the core makes them: in what it raises and what it finds."""
    german = {str(message.id) for message in read_catalogue("de", "sentences")}
    said = {form: path for path in SPEAKERS for form in forms_of((ROOT / path).read_text())}
    assert len(said) > 50
    assert {form: path for form, path in said.items() if form not in german} == {}


def test_every_sentence_about_a_snapshot_has_its_german() -> None:
    """With the file before it, where its error puts it there."""
    german, said = load_languages()["de"], set[str]()
    for path in (ROOT / "producer" / "snapshots").rglob("*.py"):
        source = path.read_text()
        said |= forms_of(source, WHOLE | IN_A_ROW) | {f"/s/a.csv: {form}" for form in forms_of(source, BEHIND_A_FILE)}
    said |= {UNQUOTED, TEXT_AFTER, ESCAPED}
    examples = {GAP.sub("'x'", form) for form in said}
    assert len(examples) > 50
    assert {example for example in examples if german.sentence(example) == example} == set()


def test_a_new_sentence_would_be_found() -> None:
    """With its values as gaps, wherever in a call it stands."""
    source = 'raise Problem(404, f"There is no {kind} {name!r}." if name else "There is nothing.")'
    assert forms_of(source) == {"There is no {0} {1}.", "There is nothing."}
    assert forms_of('raise invalid_fields({"/host": "is no " + "host"})') == {"is no host"}
    assert forms_of('log.info("not for people")') == set()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-CH, en;q=0.9", "de"),
        ("en;q=0.3,de;q=0.4", "de"),
        ("fr, de;q=0", "en"),
        ("*", "en"),
        ("DE", "de"),
        ("de;q=zero", "de"),
        (",;,", "en"),
    ],
)
def test_the_browsers_preference_is_read_as_the_standard_says(said: str, code: str) -> None:
    assert preferred(said, ["en", "de"], "en") == code


def test_a_sentence_is_said_in_german_with_its_values() -> None:
    english, german = load_languages().values()
    assert german.sentence("There is nothing at this address.") == "Unter dieser Adresse gibt es nichts."
    assert english.sentence("There is nothing at this address.") == "There is nothing at this address."
    assert german.sentence("there is no export 'vip'") == "Einen Export 'vip' gibt es nicht"
    assert german.sentence("There is no export 'vip'.") == "Einen Export 'vip' gibt es nicht."
    assert german.sentence("There is a connection 'main' already.") == "Eine Verbindung 'main' gibt es schon."
    assert german.sentence("3 fields are not as needed.") == "3 Felder sind nicht wie gebraucht."


def test_what_the_core_says_to_programs_the_page_says_to_people() -> None:
    """In English, too."""
    english = load_languages()["en"]
    assert english.sentence("is required") == "this is needed"
    assert english.sentence("should be less than or equal to 10") == "enter a number of at most 10"


def test_a_sentence_nobody_translated_is_said_as_it_is() -> None:
    assert load_languages()["de"].sentence("Vox populi {0}.") == "Vox populi {0}."
