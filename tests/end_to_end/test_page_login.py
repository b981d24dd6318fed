"""Coming in and going out in a real browser: by keyboard, on a phone, in light and dark, with and without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from tests.end_to_end.browsing import visiting
from tests.end_to_end.conftest import Platform

pytestmark = pytest.mark.needs("chromium")


def test_somebody_signs_in_and_out(platform: Callable[..., Platform], browser: Browser) -> None:
    """With nothing but a keyboard, and nothing that axe finds in the way, in every dress of the page."""
    up = platform(workers=0)
    base, token = f"http://{up.stack.producer}", up.stack.plan.secrets.admin_token
    for scheme, language, heading in (("light", "en-GB", "Sign in"), ("dark", "de-DE", "Anmelden")):
        with visiting(browser, base, language=language, color_scheme=scheme) as visitor:
            assert visitor.go("/exports") == 200
            assert visitor.page.locator("h1").inner_text() == heading
            assert visitor.barriers() == []
            assert visitor.overflow() == 0
            visitor.page.keyboard.type(token)
            visitor.page.keyboard.press("Enter")
            visitor.page.wait_for_url("**/exports")
            assert visitor.barriers() == []
            assert visitor.overflow() == 0
            visitor.page.locator(".me button").press("Enter")
            visitor.page.wait_for_url("**/login")
    with visiting(browser, base, java_script_enabled=False) as visitor:
        visitor.sign_in(token)
        assert visitor.page.url == f"{base}/exports"
