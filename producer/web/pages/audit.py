"""The leaf of the trail: who did what and when, narrowed down by a form, and the whole of it to take along."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from producer.api import audit as trail
from producer.api.access import IDENTITY
from producer.api.audit import PLACE
from producer.api.request_context import services_of
from producer.audit.entry import AuditedAction
from producer.audit.trail import AuditFilter
from producer.input_checks import is_line
from producer.services.audit import WHATS, read_trail
from producer.services.audit_documents import AuditDocument
from producer.services.documents import moment
from producer.timestamps import milliseconds
from producer.web.rendering.navigation import N_
from producer.web.rendering.templating import render

SHOWN: Final = 50
DAY: Final = timedelta(days=1)

WORDS: Final = {
    AuditedAction.CONNECTION_CREATED: N_("connection added"),
    AuditedAction.CONNECTION_CHANGED: N_("connection changed"),
    AuditedAction.CONNECTION_DELETED: N_("connection removed"),
    AuditedAction.CONNECTION_RESEALED: N_("API key sealed anew"),
    AuditedAction.CONNECTION_BLOCKED: N_("connection blocked"),
    AuditedAction.CONNECTION_UNBLOCKED: N_("connection goes on"),
    AuditedAction.EXPORT_CREATED: N_("export added"),
    AuditedAction.EXPORT_CHANGED: N_("export changed"),
    AuditedAction.EXPORT_DELETED: N_("export removed"),
    AuditedAction.EXPORT_DETACHED: N_("export detached"),
    AuditedAction.EXPORT_HEALTH: N_("how an export is doing"),
    AuditedAction.RUN_OPENED: N_("run opened"),
    AuditedAction.RUN_PAUSED: N_("run paused"),
    AuditedAction.RUN_RESUMED: N_("run resumed"),
    AuditedAction.RUN_CANCELLED: N_("run cancelled"),
    AuditedAction.RUN_BLOCKED: N_("run blocked"),
    AuditedAction.RUN_UNBLOCKED: N_("run goes on"),
    AuditedAction.RUN_ENDED: N_("run ended"),
    AuditedAction.NOTIFICATION_CREATED: N_("notification channel added"),
    AuditedAction.NOTIFICATION_CHANGED: N_("notification channel changed"),
    AuditedAction.NOTIFICATION_RESEALED: N_("notification channel's secret sealed anew"),
    AuditedAction.NOTIFICATION_REDELIVERED: N_("notification sent again"),
    AuditedAction.NOTIFICATION_DELETED: N_("notification channel removed"),
    AuditedAction.TOKEN_ISSUED: N_("token issued"),
    AuditedAction.TOKEN_REVOKED: N_("token revoked"),
    AuditedAction.SECRETS_ROTATED: N_("secrets rotated"),
    AuditedAction.CONTACT_FORGOTTEN: N_("person forgotten"),
    AuditedAction.CONTACT_EXPLAINED: N_("person explained"),
    AuditedAction.SESSION_OPENED: N_("signed in to the page"),
    AuditedAction.SESSION_CLOSED: N_("signed out of the page"),
    AuditedAction.EVENT_DEAD: N_("event that could not be taken"),
}
"""What the trail's words mean."""

GROUPS: Final = {
    "connection": N_("everything of connections"),
    "export": N_("everything of exports"),
    "run": N_("everything of runs"),
    "notification": N_("everything of notifications"),
    "token": N_("everything of tokens"),
    "secrets": N_("everything of secrets"),
    "contact": N_("everything of people"),
    "session": N_("everything of sessions"),
    "event": N_("everything of events"),
}
"""What the words before the dot mean."""

PLACES: Final = {"connection": "/connections/", "export": "/exports/", "run": "/runs/"}
"""Where the page shows what an entry is about."""

NO_DAY: Final = N_("This is no day, as in 2026-11-24.")


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What the form says, as it was typed, and which of its days are none."""

    who: str = ""
    what: str = ""
    name: str = ""
    run: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "AuditQuery":
        """Read the form; a word that the trail does not know, and what is no line of text, is not asked for."""
        said = {field: query.get(field, "").strip() for field in cls.__dataclass_fields__}
        said = {field: text if is_line(text) else "" for field, text in said.items()}
        return cls(**said | {"what": said["what"] if said["what"] in WHATS else ""})

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, by field."""
        days = {field: getattr(self, field) for field in ("since", "until")}
        return {field: NO_DAY for field, text in days.items() if text and _day(text) is None}

    def wanted(self) -> AuditFilter:
        """Say which entries are wanted: of whole days, in UTC."""
        since, until = _day(self.since), _day(self.until)
        return AuditFilter(
            who=self.who,
            what=self.what,
            name=self.name,
            run=self.run,
            since=_begin(since) if since else None,
            until=_begin(until + DAY) - 1 if until else None,
        )

    def said(self) -> dict[str, str]:
        """What was said, for an address of the page."""
        return {field: text for field in self.__dataclass_fields__ if (text := getattr(self, field))}

    def for_api(self) -> str:
        """What was said, as the API takes it, to have all of it as lines."""
        wanted = self.wanted()
        said: dict[str, Any] = {"who": wanted.who, "what": wanted.what, "name": wanted.name, "run": wanted.run}
        said |= {"since": wanted.since and moment(wanted.since), "until": wanted.until and moment(wanted.until)}
        return urlencode({"format": "ndjson"} | {name: word for name, word in said.items() if word})


async def show(request: web.Request) -> web.Response:
    """Show entries, the newest first."""
    asked, before = AuditQuery.of(request.query), request.query.get("after", "")
    before = before if PLACE.fullmatch(before) else ""
    entries: list[AuditDocument] = []
    following: str | None = None
    if not asked.faults:
        services, who = services_of(request), request[IDENTITY]
        entries, following = await read_trail(services, who, asked.wanted(), before=before, most=SHOWN)
    return render(
        request,
        "audit.html",
        status=422 if asked.faults else 200,
        asked=asked,
        entries=entries,
        following=following,
        is_first=not before,
        words=WORDS,
        groups=GROUPS,
        places=PLACES,
        at=milliseconds,
    )


download: Final = trail.show
"""The API's own stream of lines."""


def _day(text: str) -> date | None:
    """Read a day; None where there is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _begin(day: date) -> int:
    return round(datetime.combine(day, time(), UTC).timestamp() * 1000)
