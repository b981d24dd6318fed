"""The languages of the page: its own texts by gettext, and the sentences of the producer's core by their form.

Catalogues are `.po` files in this package, read at start; nothing is compiled. Those in `texts` have what templates and the
page's modules say. Those in `sentences` have what the core says, in English, with values in it: their entries have `{0}`, `{1}`
where a value stands, a sentence is found again by that form, and its values are put into the translation. English has a few sentences,
too: what the core says to programs ("is required"), the page says to people.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from gettext import NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

GAP: Final = re.compile(r"\{(\d)\}")
BETWEEN: Final = "; "
"""What stands between several findings in one sentence."""

VALUE: Final = f"((?:(?!{BETWEEN}).)+?)"
DEPTH_MAX: Final = 4
"""How deep sentences stand in sentences: a value may be one itself."""


@dataclass(frozen=True, slots=True)
class SentenceForm:
    """A sentence with gaps, as a pattern, and what it is in another language."""

    pattern: re.Pattern[str]
    translation: str
    literal: int


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code, its name in itself, its texts and its sentences."""

    code: str
    name: str
    texts: NullTranslations = field(default_factory=NullTranslations)
    whole: dict[str, str] = field(default_factory=dict)
    forms: tuple[SentenceForm, ...] = ()

    def sentence(self, text: str) -> str:
        """Say a sentence of the core in this language; as it is, where nobody has translated it."""
        return self._sentence(text, DEPTH_MAX)

    def _sentence(self, text: str, depth: int) -> str:
        if not text or depth == 0 or not (self.whole or self.forms):
            return text
        return self._found(text, depth) or self._loosely(text, depth) or self._by_clauses(text, depth) or text

    def _by_clauses(self, text: str, depth: int) -> str | None:
        """Say several findings that stand in one sentence, one by one."""
        if BETWEEN not in text:
            return None
        return BETWEEN.join(self._sentence(clause, depth) for clause in text.split(BETWEEN))

    def _loosely(self, text: str, depth: int) -> str | None:
        """Find a sentence that was given a capital and a full stop on its way, and give them to the translation."""
        core = text.removesuffix(".")
        found = self._found(core, depth) or self._found(core[:1].lower() + core[1:], depth)
        if found is None:
            return None
        return f"{found[:1].upper()}{found[1:]}." if text.endswith(".") else found

    def _found(self, text: str, depth: int) -> str | None:
        if (whole := self.whole.get(text)) is not None:
            return whole
        for form in self.forms:
            if found := form.pattern.fullmatch(text):
                values = [self._sentence(value, depth - 1) for value in found.groups()]
                return GAP.sub(lambda gap, services=values: services[int(gap[1])], form.translation)  # type: ignore[misc]
        return None


ENGLISH: Final = "en"


def load_languages() -> dict[str, Language]:
    """Read the catalogues; English, in which everything is written, is the first."""
    english = Language(ENGLISH, "English", NullTranslations(), *_sentences(read_catalogue(ENGLISH, "sentences")))
    texts, sentences = read_catalogue("de", "texts"), read_catalogue("de", "sentences")
    german = Language("de", "Deutsch", _compiled(texts), *_sentences(sentences))
    return {language.code: language for language in (english, german)}


def read_catalogue(code: str, kind: str) -> Catalog:
    """Read the `.po` files of one kind as one catalogue."""
    whole = Catalog(locale=code)
    for file in (files("producer.web") / "locale" / code / kind).iterdir():
        for message in read_po(BytesIO(file.read_bytes()), locale=code):
            if message.id:
                whole[message.id] = message
    return whole


def preferred(said: str, known: Iterable[str], instead: str) -> str:
    """Choose a language by an Accept-Language header (RFC 9110, 12.5.4)."""
    offers: list[tuple[float, int, str]] = []
    for place, one in enumerate(said.split(",")):
        tag, _, parameter = one.partition(";")
        code = tag.strip().lower().split("-")[0]
        if code in known and (weight := _weight(parameter)) > 0:
            offers.append((-weight, place, code))
    return min(offers)[2] if offers else instead


def _weight(parameter: str) -> float:
    found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", parameter)
    return float(found[1]) if found else 1.0


def _compiled(catalogue: Catalog) -> NullTranslations:
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _sentences(catalogue: Catalog) -> tuple[dict[str, str], tuple[SentenceForm, ...]]:
    whole, forms = {}, []
    for message in catalogue:
        if not isinstance(message.id, str) or not message.id or not message.string or message.fuzzy:
            continue
        translation = str(message.string)
        if GAP.search(message.id):
            forms.append(_form(message.id, translation))
        else:
            whole[message.id] = translation
    # The most particular form first: what has the most words of its own.
    return whole, tuple(sorted(forms, key=lambda form: -form.literal))


def _form(text: str, translation: str) -> SentenceForm:
    pieces = GAP.split(text)[::2]
    return SentenceForm(re.compile(VALUE.join(map(re.escape, pieces)), re.DOTALL), translation, sum(map(len, pieces)))
