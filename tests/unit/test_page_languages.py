"""The page's languages: every text has its German, sentences with values find theirs, and no browser is misheard."""

from pathlib import Path
from typing import Final

import pytest
from babel.messages.extract import extract_from_dir

from producer.page.languages import ENGLISH, GAP, load_languages, preferred, read_catalogue

PAGE: Final = Path(__file__).parents[2] / "producer" / "page"
METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2")]
OPTIONS: Final = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}
KEYWORDS: Final = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2), "text": (2,)}
"""Where texts stand in code and templates; `text(request, MESSAGE)` is `rendering`'s."""


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


def test_translations_have_the_values_of_their_texts() -> None:
    """Named ones in texts, numbered gaps in sentences."""
    for message in read_catalogue("de", "texts"):
        if message.id:
            assert not message.check(), message.id
    for message in read_catalogue("de", "sentences"):
        assert sorted(GAP.findall(str(message.id))) == sorted(GAP.findall(str(message.string))), message.id


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
    german = load_languages()["de"]
    assert german.sentence("There is nothing at this address.") == "Unter dieser Adresse gibt es nichts."
    assert ENGLISH.sentence("There is nothing at this address.") == "There is nothing at this address."


def test_a_sentence_nobody_translated_is_said_as_it_is() -> None:
    assert load_languages()["de"].sentence("Vox populi {0}.") == "Vox populi {0}."
