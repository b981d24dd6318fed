"""Writes pages from templates, in the language of whoever asks; what every template may use is said here once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp_jinja2
import jinja2
from aiohttp import web
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_decimal
from markupsafe import Markup

from producer.api.access import IDENTITY
from producer.services.identity import Identity
from producer.web.rendering.assets import ASSETS, Assets
from producer.web.rendering.navigation import NAVIGATION, ROLES
from producer.web.rendering.translations import Language
from producer.web.sessions.cookies import PROOF, proof_for

LANGUAGE: Final = web.RequestKey("language", Language)
LANGUAGES: Final = web.AppKey("languages", dict[str, Language])
TEMPLATES: Final = web.AppKey("templates", dict[str, web.AppKey[jinja2.Environment]])


def set_up(app: web.Application, languages: Mapping[str, Language]) -> None:
    """Make one environment for each language: a template's texts are bound to it when it is first used."""
    app[LANGUAGES], app[ASSETS] = dict(languages), Assets()
    keys = {code: web.AppKey(f"templates_{code}", jinja2.Environment) for code in languages}
    for code, language in languages.items():
        environment = aiohttp_jinja2.setup(
            app,
            app_key=keys[code],
            loader=jinja2.PackageLoader("producer.web"),
            extensions=["jinja2.ext.i18n"],
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=True,
        )
        environment.install_gettext_translations(language.texts, newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {"asset": app[ASSETS].address, "query": _query, "roles": ROLES}
        environment.filters |= {
            "sentence": language.sentence,
            "fault": partial(_fault, language),
            "moment": partial(_moment, code),
            "number": partial(format_decimal, locale=code),
            "ago": partial(_ago, code),
        }
    app[TEMPLATES] = keys


def language_of(request: web.Request) -> Language:
    """Return the language in which to answer."""
    return request[LANGUAGE]


def text(request: web.Request, message: str, **values: object) -> str:
    """Say a text of the page in the language of whoever asks, values put in by name."""
    said = language_of(request).texts.gettext(message)
    return said % values if values else said


def render(request: web.Request, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """Write a page."""
    key = request.app[TEMPLATES][language_of(request).code]
    said = _said_everywhere(request) | context
    return aiohttp_jinja2.render_template(template, request, said, app_key=key, status=status)


def write(request: web.Request, template: str, **context: Any) -> str:
    """Write a part of a page."""
    key = request.app[TEMPLATES][language_of(request).code]
    return aiohttp_jinja2.render_string(template, request, _said_everywhere(request) | context, app_key=key)


def _said_everywhere(request: web.Request) -> dict[str, Any]:
    language = language_of(request)
    me: Identity | None = request.get(IDENTITY)
    return {
        "me": me,
        "lang": language.code,
        "languages": [(one, _switch(request, one.code)) for one in request.app[LANGUAGES].values()],
        "path": request.path,
        "proof": proof_for(request),
        "proof_name": PROOF,
        "navigation": [item for item in NAVIGATION if me is not None and me.role in item.roles],
    }


def redirect_to(location: str) -> web.Response:
    """Send a browser on after a form was done, so that going back does not send it again."""
    return web.Response(status=303, headers={"Location": location})


def _switch(request: web.Request, code: str) -> str:
    """Return this page's address in another language; of a form that was sent, the page it stands on."""
    said = {name: value for name, value in request.query.items() if name != "lang"}
    resource = request.match_info.route.resource
    is_shown = request.method == "GET" or any(route.method == "GET" for route in resource or ())
    path = request.path if is_shown else request.path.rpartition("/")[0]
    return f"{path}?" + urlencode(said | {"lang": code})


def _query(**said: object) -> str:
    return "?" + urlencode({name: value for name, value in said.items() if value})


def _fault(language: Language, detail: str) -> str:
    """Say what is wrong as a sentence of its own: the core's go on where a field's name ends, the page's are whole."""
    said = language.texts.gettext(detail)
    said = language.sentence(detail) if said == detail else said
    return f"{said[:1].upper()}{said[1:]}" + ("" if said.endswith((".", "!", "?")) else ".")


def _ago(code: str, milliseconds: int, now: int) -> str:
    """Say how long ago something was, about."""
    return format_timedelta(timedelta(milliseconds=milliseconds - now), add_direction=True, locale=code)


def _moment(code: str, milliseconds: int) -> Markup:
    """Write a time in UTC, for the script to tell in the reader's own."""
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    shown = format_datetime(at, "medium", locale=code)
    return Markup('<time datetime="{}">{} UTC</time>').format(at.isoformat(timespec="seconds"), shown)
