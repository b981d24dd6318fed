"""A certified OpenID provider on a port of its own, and a browser's steps through its pages; everybody's password is good."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener, urlopen

from tests.integration.homes import server
from tests.integration.npm import installed

LIBRARY: Final = "oidc-provider@8.8.1"
CLIENT_ID: Final = "segment-export"
CLIENT_SECRET: Final = "a secret: with / everything + in it"

PEOPLE: Final[Mapping[str, Any]] = {
    "ann": {"preferred_username": "ann", "roles": ["staff", "export-admins"]},
    "bob": {"preferred_username": "bob", "roles": ["marketing"]},
    "eve": {"preferred_username": "eve", "roles": ["staff"]},
    "kim": {"preferred_username": "kim", "realm_access": {"roles": ["viewers"]}},
}
ROLES: Final = "export-admins=admin, marketing=contributor, viewers=viewer"


@dataclass(frozen=True)
class Running:
    """A provider that runs."""

    issuer: str

    def rotate(self) -> None:
        """Give it new keys, and no others."""
        urlopen(Request(f"{self.issuer}/rotate", method="POST"), timeout=10).close()


@contextmanager
def provider(directory: Path, public_url: str, **told: Any) -> Iterator[Running]:
    """Run a provider that knows us as reached at `public_url`."""
    node = shutil.which("node")
    assert node is not None
    client = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [f"{public_url}/login/openid/back"],
        "post_logout_redirect_uris": [f"{public_url}/login"],
    }
    library = installed(LIBRARY) / "oidc-provider" / "lib" / "index.js"
    program = Path(__file__).with_suffix("").with_name("openid_provider.mjs")

    def command(port: int) -> list[str]:
        said = {"library": str(library), "port": port, "clients": [client], "people": PEOPLE} | told
        return [node, str(program), json.dumps(said)]

    with server(directory, command) as url:
        yield Running(url)


class Browser:
    """Goes where it is sent, as long as that is at the provider, and keeps cookies."""

    def __init__(self) -> None:
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), _Stay())

    def log_in(self, url: str, name: str) -> dict[str, str]:
        """Log in and agree; return what the provider sends back to us."""
        at = self._to_page(url)
        for form in ({"prompt": "login", "login": name, "password": "good"}, {"prompt": "consent"}):
            at = self._to_page(at, form)
            if isinstance(at, dict):
                break
        assert isinstance(at, dict)
        return at

    def decline(self, url: str) -> dict[str, str]:
        """Do not log in; return what the provider sends back to us."""
        at = self._to_page(url)
        assert isinstance(at, str)
        back = self._to_page(f"{at}/abort")
        assert isinstance(back, dict)
        return back

    def _to_page(self, url: Any, form: Mapping[str, str] | None = None) -> Any:
        """Follow redirects up to a page of the provider's, and return its address; or what leaves it, as a query."""
        home = urlsplit(url).netloc
        data = urlencode(form).encode() if form else None
        while True:
            try:
                with self._opener.open(Request(url, data=data), timeout=10):
                    return url
            except HTTPError as moved:
                if moved.code not in {302, 303}:
                    raise
                url, data = urljoin(url, moved.headers["Location"]), None
            if urlsplit(url).netloc != home:
                return dict(parse_qsl(urlsplit(url).query))


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
