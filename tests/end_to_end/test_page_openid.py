"""Coming to the page by OpenID Connect in a real browser, at a certified provider's own pages."""

from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from deploy.local.stack import Plan, Stack
from deploy.local.valkey import free_port
from tests.end_to_end.browsing import Visitor, visiting
from tests.integration import openid

pytestmark = pytest.mark.needs("chromium", "node", "npm")

SETTINGS: Final = {
    "OIDC_CLIENT_ID": openid.CLIENT_ID,
    "OIDC_CLIENT_SECRET": openid.CLIENT_SECRET,
    "OIDC_ROLES": openid.ROLES,
    "OIDC_SCOPES": "openid profile",
}


def at_the_provider(visitor: Visitor, name: str) -> None:
    """Say who one is, and agree, where the provider asks."""
    page = visitor.page
    page.get_by_role("link", name="Sign in at 127.0.0.1").click()
    page.locator("input[name=login]").fill(name)
    page.locator("input[name=password]").fill("good")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_people_come_by_openid_connect_and_leave_again(tmp_path: Path, browser: Browser) -> None:
    """With their role; without one they are told so; with the provider down they are told that, and a token works."""
    snapshots, port = tmp_path / "snapshots", free_port()
    snapshots.mkdir()
    base = f"http://127.0.0.1:{port}"
    with ExitStack() as at_provider:
        issuer = at_provider.enter_context(openid.provider(tmp_path, base)).issuer
        told = {"PUBLIC_URL": base, "OIDC_ISSUER": issuer, "TRUSTED_HOSTS": issuer.removeprefix("http://")}
        plan = Plan(tmp_path / "stack", snapshots, workers=0, producer_port=port, settings=SETTINGS | told)
        with Stack(plan):
            with visiting(browser, base) as ann:
                ann.go("/runs")
                assert ann.barriers() == []
                at_the_provider(ann, "ann")
                ann.page.wait_for_url("**/runs")
                ann.page.get_by_role("button", name="Sign out").click()
                expect(ann.page.locator("main")).to_contain_text("At 127.0.0.1 you may still be signed in.")
                assert ann.barriers() == []
                ann.page.get_by_role("link", name="Sign out there, too").click()
                ann.page.get_by_role("button", name="Yes, sign me out").click()
                ann.page.wait_for_url("**/login*")
            with visiting(browser, base) as eve:
                eve.go("/runs")
                at_the_provider(eve, "eve")
                expect(eve.page.get_by_role("alert")).to_contain_text("you have no role here")
                assert eve.barriers() == []
            at_provider.close()
            with visiting(browser, base) as visitor:
                visitor.go("/runs")
                visitor.page.get_by_role("link", name="Sign in at 127.0.0.1").click()
                expect(visitor.page.get_by_role("alert")).to_contain_text("does not answer")
                visitor.sign_in(plan.secrets.admin_token)
