"""Looks at everything that the service stands on, and the handler that tells what was found; it changes nothing."""

from typing import Literal, Self

from aiohttp import web
from pydantic import BaseModel

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer
from producer.doctor import Diagnosis, DiagnosisHealth
from producer.doctor.diagnosis import Area
from producer.services.context import Services
from producer.services.identity import Identity
from producer.services.permissions import require_admin
from producer.services.requests import NothingBody


class DiagnosisDocument(BaseModel):
    """One thing that was looked at, how it is, and what to mend."""

    area: Area
    name: str
    health: DiagnosisHealth
    says: str
    mend: str | None

    @classmethod
    def of(cls, diagnosis: Diagnosis) -> Self:
        """Show a diagnosis."""
        return cls.model_validate(diagnosis, from_attributes=True)


class ExaminationDocument(BaseModel):
    """Everything that was looked at; `health` is that of the worst of it."""

    health: Literal[DiagnosisHealth.OK, DiagnosisHealth.WARNING, DiagnosisHealth.WRONG]
    items: list[DiagnosisDocument]

    @classmethod
    def of(cls, found: "list[Diagnosis]") -> Self:
        """Show an examination."""
        worst = max((one.health for one in found), key=list(DiagnosisHealth).index, default=DiagnosisHealth.OK)
        return cls(health=worst, items=[DiagnosisDocument.of(one) for one in found])


async def examine(services: Services, identity: Identity) -> ExaminationDocument:
    """Look at everything. Problem 403."""
    require_admin(identity)
    return ExaminationDocument.of(list(await services.examine()))


async def look(request: web.Request) -> web.Response:
    """Tell what was found."""
    await read_body(request, NothingBody, optional=True)
    return answer(await examine(services_of(request), request[IDENTITY]))
