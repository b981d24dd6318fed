"""A newcomer at the page: the steps from nothing to a first run, on a phone, by keyboard alone, without scripts, in both languages."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Locator

from tests.end_to_end.browsing import DESK, Visitor, visiting
from tests.end_to_end.conftest import Platform

pytestmark = pytest.mark.needs("chromium")

PEOPLE: Final = 12
TABS_MOST: Final = 120


@pytest.fixture
def up(platform: Callable[..., Platform], request: pytest.FixtureRequest) -> Platform:
    """A stack with a segment that was refreshed, and nothing else; with a worker where the test asks for one."""
    stack = platform(workers=getattr(request, "param", 0))
    snapshot = stack.snapshots / "vip.csv"
    rows = [f"person{number}@example.org,Ann,Lee,+44 20 7946 {number:04},gold" for number in range(PEOPLE)]
    snapshot.write_text("\n".join(["Email,First,Last,Phone,Tier", *rows]))
    status, _ = stack.call("POST", "/v1/events", stack.event(snapshot))
    assert status == 202
    return stack


def base(up: Platform) -> str:
    """Where the page is."""
    return f"http://{up.stack.producer}"


def is_open_to_all(visitor: Visitor) -> None:
    """Nothing that axe finds, and nothing that sticks out of the window."""
    assert visitor.barriers() == [], visitor.page.url
    assert visitor.overflow() == 0, visitor.page.url


@pytest.mark.parametrize("up", [1], indirect=True)
def test_a_newcomer_goes_from_nothing_to_a_first_run_on_a_phone(up: Platform, browser: Browser) -> None:
    """Every step of the original, one by one."""
    with visiting(browser, base(up), has_touch=True, is_mobile=True) as visitor:
        page = visitor.page
        visitor.sign_in(up.stack.plan.secrets.admin_token)
        # An export needs a connection, and there is none: the page says so and leads there.
        page.get_by_role("link", name="Add the first export").click()
        is_open_to_all(visitor)
        page.get_by_role("link", name="Add a connection").click()
        connect(visitor, up)
        (connection,) = up.get("/v1/connections")["items"]
        assert (connection["allow"], connection["consent"]["by"], connection["export_user"]) == (
            "admins",
            "admin",
            "admin",
        )
        page.locator("main").get_by_role("link", name="Add an export").first.click()
        export(visitor)
        assert up.get("/v1/runs")["items"] == []
        page.get_by_role("button", name="Run now").click()
        page.wait_for_url("**/runs/*")
        run = page.url.rsplit("/", 1)[1]
        up.wait(run)
        visitor.go("/exports")
        assert page.get_by_text("succeeded").count() == 1
        assert page.get_by_text("By hand").count() == 1
        is_open_to_all(visitor)
        assert up.get(f"/v1/runs/{run}")["books"]["applied"] == PEOPLE
        assert up.stack.plan.secrets.sandbox_key not in up.logs()
        assert not kept_in(up, up.stack.plan.secrets.sandbox_key)


def kept_in(up: Platform, secret: str) -> list[Path]:
    """Files of the record that hold a secret as it is: none, though the key went from form to form."""
    files = (file for file in (up.stack.plan.directory / "valkey").rglob("*") if file.is_file())
    return [file for file in files if secret.encode() in file.read_bytes()]


def connect(visitor: Visitor, up: Platform) -> None:
    """Name it, say who may use it, enter host and key, agree, connect, save."""
    page = visitor.page
    is_open_to_all(visitor)
    # Faults first: all at once, and the keyboard stands where they are listed.
    page.get_by_role("button", name="Connect").click()
    assert page.locator(".faults li").count() == 4
    assert page.evaluate("document.activeElement.id") == "faults"
    is_open_to_all(visitor)
    page.get_by_label("Display name").fill("Newsletter Europe")
    assert page.get_by_label("Administrators only").is_checked()
    page.get_by_label("Host").fill(f"http://{up.stack.sandbox}/")
    page.get_by_label("API key").fill(up.stack.plan.secrets.sandbox_key)
    page.get_by_label("I agree that the contacts").check()
    page.get_by_role("button", name="Connect").click()
    page.get_by_text("The key works.").wait_for()
    assert page.get_by_text("Newsletter (12)").count() == 1
    assert up.get("/v1/connections")["items"] == []
    is_open_to_all(visitor)
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/connections/newsletter-europe?done=saved")
    assert page.get_by_text("Export user").count() == 1
    is_open_to_all(visitor)


def export(visitor: Visitor) -> None:
    """Choose segment, list and columns, look at what would be sent, save."""
    page = visitor.page
    page.get_by_label("Segment").fill("vip")
    page.get_by_role("button", name="Continue").click()
    is_open_to_all(visitor)
    page.locator("#list_id").select_option(label="Newsletter (12)")
    page.locator("#email").select_option("Email")
    for place, (attribute, column) in enumerate(
        [("First name", "First"), ("Last name", "Last"), ("Telephone", "Phone")]
    ):
        page.locator(f"#attribute-{place}").select_option(label=attribute)
        page.locator(f"#column-{place}").select_option(column)
    page.get_by_role("button", name="Add attribute").click()
    page.locator("#attribute-3").select_option("field:7")
    page.locator("#column-3").select_option("Tier")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("heading", name="Preview").wait_for()
    assert page.get_by_text("p***@example.org").count() == 10
    assert page.get_by_text("+442079460000").count() == 1
    is_open_to_all(visitor)
    page.locator("button:not(.default)", has_text="Save").click()
    page.wait_for_url("**/exports/vip?done=saved")
    is_open_to_all(visitor)


def test_the_same_by_keyboard_alone_without_scripts_in_german_and_dark(up: Platform, browser: Browser) -> None:
    """Nobody touches a mouse, and no script runs."""
    with visiting(
        browser, base(up), size=DESK, language="de-DE", color_scheme="dark", java_script_enabled=False
    ) as visitor:
        keys = Keys(visitor)
        visitor.go("/new/connection")
        keys.types("Token", up.stack.plan.secrets.admin_token)
        keys.presses("button", "Anmelden")
        visitor.page.wait_for_url("**/new/connection")
        keys.types("Anzeigename", "Rundbrief")
        keys.types("Host", up.stack.sandbox)
        keys.types("API-Schlüssel", up.stack.plan.secrets.sandbox_key)
        keys.to(visitor.page.locator("#consent"))
        visitor.page.keyboard.press("Space")
        keys.presses("button", "Verbinden")
        visitor.page.get_by_text("Der Schlüssel passt.").wait_for()
        keys.presses("button", "Speichern")
        visitor.page.wait_for_url("**/connections/rundbrief?done=saved")
        keys.presses("link", "Export anlegen")
        keys.types("Segment", "vip")
        keys.presses("button", "Weiter")
        keys.chooses("#list_id", "N")
        keys.chooses("#email", "E")
        keys.chooses("#attribute-0", "V")
        keys.chooses("#column-0", "F")
        keys.presses("button", "Attribut hinzufügen")
        visitor.page.locator("#attribute-3").wait_for()
        keys.presses("button", "Speichern")
        visitor.page.wait_for_url("**/exports/vip?done=saved")
        kept = up.get("/v1/exports/vip")
        assert (kept["list_id"], kept["mapping"]["email"], kept["mapping"]["first_name"]) == ("12", "Email", "First")
        keys.presses("link", "Entfernen")
        visitor.page.get_by_role("heading", name="vip entfernen?").wait_for()
        keys.presses("button", "Export entfernen")
        visitor.page.wait_for_url("**/exports?done=removed&gone=vip")
        assert up.get("/v1/exports")["items"] == []


def test_every_page_of_connections_and_exports_is_open_to_all(up: Platform, browser: Browser) -> None:
    """In light and dark, in both languages, on a phone and at a desk; empty, full and broken."""
    assert up.connect()[0] == 201
    assert up.export(schedule={"cron": "0 6 * * *"})[0] == 201
    assert up.export("detached", leavers="unsubscribe", confirm_unsubscribe=True)[0] == 201
    paths: tuple[str, ...] = (
        *("/connections", "/connections/main", "/connections/main/edit", "/connections/main/remove", "/new/connection"),
        *("/exports", "/exports/vip", "/exports/vip/edit", "/exports/vip/duplicate", "/exports/vip/remove"),
        *("/new/export", "/new/export?connection=main&segment=vip", "/new/export?connection=&segment="),
        *("/new/export?connection=main&segment=new", "/nowhere"),
    )
    for size, language, scheme in ((DESK, "en-GB", "light"), (None, "de-DE", "dark")):
        options = {"size": size} if size else {}
        with visiting(browser, base(up), language=language, color_scheme=scheme, **options) as visitor:
            visitor.sign_in(up.stack.plan.secrets.admin_token)
            for path in paths:
                visitor.go(path)
                is_open_to_all(visitor)
        up.call("DELETE", "/v1/connections/main")  # the second time, everything is broken
        up.connect("other", allow="contributors")
        paths = (*("/connections", "/exports", "/exports/vip", "/exports/vip/edit", "/connections/other"), "/login")


class Keys:
    """Somebody who has a keyboard only: Tab leads everywhere, or the page is closed to them."""

    def __init__(self, visitor: Visitor) -> None:
        self._page = visitor.page

    def to(self, wanted: Locator) -> None:
        """Go to something by Tab."""
        for _ in range(TABS_MOST):
            if wanted.evaluate("each => each === document.activeElement"):
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {wanted}")

    def types(self, label: str, text: str) -> None:
        """Fill in a field."""
        self.to(self._page.get_by_label(label).first)
        self._page.keyboard.type(text)

    def chooses(self, field: str, letter: str) -> None:
        """Choose from a list by the first letter of what is wanted."""
        self.to(self._page.locator(field))
        self._page.keyboard.type(letter)

    def presses(self, role: Literal["button", "link"], name: str) -> None:
        """Press a button, or follow a link."""
        self.to(self._page.locator("main").get_by_role(role, name=name, exact=True).first)
        self._page.keyboard.press("Enter")
