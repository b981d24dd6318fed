"""Somebody at the page without a browser: follows no redirect, keeps cookies, sends forms as browsers do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from producer.access.token import Role
from tests.integration.serving import TOKEN, Served

HTML: Final = {"Accept": "text/html,application/xhtml+xml", "Authorization": ""}
"""Browsers send no bearer token."""

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def location(self) -> str:
        """Where the browser is sent, empty if nowhere."""
        return self.headers.get("Location", "")

    @property
    def proof(self) -> str:
        """The word that this page's forms carry."""
        found = re.search(r'name="proof" value="([0-9a-f]{64})"', self.text)
        assert found, self.text
        return found[1]

    def says(self, words: str) -> bool:
        """Whether the words stand on the page, markup and line breaks aside."""
        plain = unescape(re.sub(r"<[^>]+>", " ", self.text))
        return re.sub(r"\s+", " ", words) in re.sub(r"\s+", " ", plain)


@dataclass
class Visitor:
    """One browser's worth of cookies, at a served page."""

    served: Served
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, fields: Fields | None = None, **headers: str) -> Answer:
        """Ask, and keep the cookies."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        said = HTML | {"Accept-Language": self.language, "Cookie": cookie} | headers
        data = None if fields is None else dict(fields) if isinstance(fields, Mapping) else list(fields)
        async with self.served.client.request(method, path, data=data, headers=said, allow_redirects=False) as response:
            self.set_cookies = response.headers.getall("Set-Cookie", [])
            for name, morsel in response.cookies.items():
                if morsel.value:
                    self.cookies[name] = morsel.value
                else:
                    self.cookies.pop(name, None)
            self.served.client.session.cookie_jar.clear()
            return Answer(response.status, await response.text(), dict(response.headers))

    async def get(self, path: str, **headers: str) -> Answer:
        """Open an address."""
        return await self.ask("GET", path, None, **headers)

    async def send(self, path: str, fields: Fields = (), *, seen: str | None = None) -> Answer:
        """Send a form as the page made it; `seen` is the address that it stands on, the same if not said."""
        proof = (await self.get(seen or path)).proof
        listed = list(fields.items()) if isinstance(fields, Mapping) else list(fields)
        return await self.ask("POST", path, [("proof", proof), *listed])

    async def sign_in(self, token: str = TOKEN) -> Answer:
        """Sign in."""
        return await self.send("/login", {"token": token})


async def somebody(served: Served, role: Role, language: str = "en") -> Visitor:
    """Sign in with a token of this role, made for the purpose."""
    status, issued = await served.ask("POST", "/v1/tokens", {"name": f"{role}-{language}", "role": role})
    assert status == 201, issued
    visitor = Visitor(served, language)
    assert (await visitor.sign_in(issued["token"])).status == 303
    return visitor
