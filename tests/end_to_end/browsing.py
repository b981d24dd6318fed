"""Somebody at the page in a real Chromium: a phone or a desk, light or dark, with or without scripts, by mouse or keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

PHONE: Final = (390, 844)
DESK: Final = (1280, 900)

FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

AXE_RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium; it reaches nothing but this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with a browser of their own: cookies, language, size."""

    page: Page
    base: str
    complaints: list[str]

    def go(self, path: str) -> int:
        """Open an address of the page; return the status."""
        answer = self.page.goto(self.base + path)
        assert answer is not None
        return answer.status

    def sign_in(self, token: str) -> None:
        """Sign in and arrive."""
        self.go("/login")
        self.page.locator("#token").fill(token)
        self.page.locator("#token").press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def barriers(self) -> list[str]:
        """What keeps people with a screen reader or weak sight out, as axe finds it; nothing, as it should be.

        What can be unfolded is, and stays so.
        """
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        found = Axe().run(self.page, options=AXE_RULES)
        return [
            f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}" for each in found.response["violations"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


@contextmanager
def visiting(
    browser: Browser, base: str, *, size: tuple[int, int] = PHONE, language: str = "en-GB", **options: Any
) -> Iterator[Visitor]:
    """Come to the page as somebody new; whatever the browser complains about fails the test at the end."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale=language, **options)
    context.set_default_timeout(15_000)
    visitor = Visitor(context.new_page(), base, [])

    def handle_wakeup(message: ConsoleMessage) -> None:
        # A refused form is answered with 422 and the like, which the console repeats: the test has its own eyes for that.
        if message.type == "error" and "Failed to load resource" not in message.text:
            visitor.complaints.append(message.text)

    def fail(error: Error) -> None:
        visitor.complaints.append(str(error))

    visitor.page.on("console", handle_wakeup)
    visitor.page.on("pageerror", fail)
    yield visitor
    assert visitor.complaints == []
    context.close()
