"""Exports: what is done with them, and the handlers; saving checks that the list is there and runs nothing."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from producer.api.access import IDENTITY
from producer.api.request_body import read_body
from producer.api.request_context import services_of
from producer.api.responses import answer, answer_page, window
from producer.registry.model import Export
from producer.services.documents import ExportDeleted
from producer.services.exports import (
    change_export,
    connection_of,
    create_export,
    delete_export,
    shown_export,
    shown_exports,
)
from producer.services.paging import cut
from producer.services.requests import ExportBody, ExportChange


async def create(request: web.Request) -> web.Response:
    """Make an export."""
    body = await read_body(request, ExportBody)
    return answer(await create_export(services_of(request), request[IDENTITY], body), 201)


async def show_all(request: web.Request) -> web.Response:
    """List exports by name."""
    services = services_of(request)
    part, following = cut(await services.registry.exports(), lambda export: export.name, window(request))
    return answer_page(await shown_exports(services, part), following)


async def show(request: web.Request) -> web.Response:
    """Show an export."""
    services, export = services_of(request), await _named(request)
    return answer(await shown_export(services, export, await connection_of(services, export)))


async def change(request: web.Request) -> web.Response:
    """Change an export by a merge patch."""

    async def read(onto: Mapping[str, Any]) -> ExportChange:
        return await read_body(request, ExportChange, onto=onto)

    before = await _named(request)
    return answer(await change_export(services_of(request), request[IDENTITY], before, read))


async def delete(request: web.Request) -> web.Response:
    """Delete an export and cancel its runs."""
    ended = await delete_export(services_of(request), request[IDENTITY], request.match_info["name"])
    return answer(ExportDeleted(ended_runs=list(ended)))


async def _named(request: web.Request) -> Export:
    return await services_of(request).registry.export(request.match_info["name"])
