"""The page's own files: style, script, mark. Each address has a digest of its file, so that browsers may keep it for ever."""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

from aiohttp import web

TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page."""

    body: bytes
    content_type: str
    digest: str


class Assets:
    """All of them, read once."""

    def __init__(self) -> None:
        self._assets = {
            path.name: Asset(body := path.read_bytes(), TYPES[_ending(path.name)], sha256(body).hexdigest()[:12])
            for path in (files("producer.web") / "static").iterdir()
        }

    def address(self, name: str) -> str:
        """Return where a file is; KeyError if there is none."""
        return f"/static/{self._assets[name].digest}/{name}"

    def answer(self, name: str) -> web.Response:
        """Answer with a file, whichever version of it was asked for; HTTPNotFound."""
        asset = self._assets.get(name)
        if asset is None:
            raise web.HTTPNotFound
        return web.Response(
            body=asset.body,
            content_type=asset.content_type,
            charset="utf-8",
            headers={"Cache-Control": FOR_EVER},
        )


ASSETS: Final = web.AppKey("assets", Assets)


async def show(request: web.Request) -> web.Response:
    """Send a file of the page."""
    return request.app[ASSETS].answer(request.match_info["name"])


def _ending(name: str) -> str:
    return name[name.rindex(".") :]
