"""Runs on the page in a real browser, over real programs: watched as they go, steered, and seen to the end."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect

from tests.end_to_end.browsing import DESK, PHONE, Visitor, visiting
from tests.end_to_end.conftest import Platform

pytestmark = pytest.mark.needs("chromium")

SLOWLY: Final = {"imports_per_minute": 240, "single_imports_per_minute": 60, "requests_per_second": 20}
"""So that a run of some thousands takes some seconds, and can be watched."""

SANDBOX: Final = (
    *("--imports-per-minute", "240", "--single-imports-per-minute", "60", "--requests-per-second", "20"),
    *("--batch-seconds", "0.2:0.6"),
)


def write(file: Path, count: int, *, broken: int = 0) -> Path:
    """Write a snapshot with people, and some rows that are none."""
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["Email", "First", "Last", "Phone"])
        rows.writerows([f"person{number}@example.com", "Zoë", "N", ""] for number in range(count))
        rows.writerows([f"broken{number}@@example.com", "Eve", "N", ""] for number in range(broken))
    return file


@pytest.fixture
def ready(platform: Callable[..., Platform]) -> Callable[..., Platform]:
    """A stack with a connection and an export."""

    def up(**options: object) -> Platform:
        found = platform(sandbox=SANDBOX, **options)
        assert found.connect(limits=SLOWLY)[0] == 201
        assert found.export()[0] == 201
        return found

    return up


@contextmanager
def signed_in(browser: Browser, up: Platform, **options: object) -> Iterator[Visitor]:
    """Somebody with a browser who is an administrator."""
    with visiting(browser, f"http://{up.stack.producer}", **options) as visitor:  # type: ignore[arg-type]
        visitor.sign_in(up.stack.plan.secrets.admin_token)
        yield visitor


def clean(visitor: Visitor) -> None:
    """Nothing is in anybody's way, and nothing is wider than the window."""
    assert visitor.barriers() == []
    assert visitor.overflow() == 0


def test_a_run_is_watched_in_two_tabs_until_it_is_over(ready: Callable[..., Platform], browser: Browser) -> None:
    """Figures and state change without a reload, in light on a desk and in dark on a phone; then, who was left out.

    With and without scripts that is searched and downloaded, and never with an address in the page's own.
    """
    up = ready(workers=1)
    up.stack.freeze("worker-1")
    run = up.publish(write(up.snapshots / "vip.csv", 3000, broken=20))
    with (
        signed_in(browser, up, size=DESK) as chunk_worker,
        signed_in(browser, up, size=PHONE, language="de-DE", color_scheme="dark") as phone,
    ):
        for visitor, word in ((chunk_worker, "delivering"), (phone, "sendet")):
            visitor.go(f"/runs/{run}")
            visitor.page.evaluate("window.neverReloaded = true")
            expect(visitor.page.locator("#live .state").first).to_have_text(word)
            expect(visitor.page.locator("svg.chart")).to_be_visible()
            clean(visitor)
        up.stack.thaw("worker-1")
        for visitor, word in ((chunk_worker, "succeeded"), (phone, "gelungen")):
            expect(visitor.page.locator("#live .state").first).to_have_text(word, timeout=60_000)
            expect(visitor.page.locator("#said")).to_have_text(f"vip: {word}")
            expect(visitor.page.locator("#again")).to_be_hidden()
            assert visitor.page.evaluate("window.neverReloaded")
            clean(visitor)
        applied = chunk_worker.page.locator("table.books").nth(1).locator("tbody tr").filter(has_text="applied")
        expect(applied.locator("td")).to_have_text("3,000")
        find_one(chunk_worker, run)
        clean(chunk_worker)
    assert up.wait(run)["books"]["applied"] == 3000
    with signed_in(browser, up, java_script_enabled=False) as visitor:
        find_one(visitor, run)


def find_one(visitor: Visitor, run: str) -> None:
    """Find somebody among those left out, and take all of them home."""
    visitor.go(f"/runs/{run}")
    visitor.page.get_by_role("link", name="See who was left out").click()
    visitor.page.locator("#words").fill("broken7@")
    visitor.page.locator("#words").press("Enter")
    expect(visitor.page.locator("tbody tr")).to_have_count(1)
    assert visitor.page.url == f"{visitor.base}/runs/{run}/rejects"
    with visitor.page.expect_download() as coming:
        visitor.page.get_by_role("link", name="Download all as CSV").click()
    assert coming.value.suggested_filename == f"rejects-{run}.csv"
    assert len(Path(coming.value.path()).read_text().splitlines()) == 21


def test_a_run_is_steered_with_the_keyboard_and_seen_elsewhere(
    ready: Callable[..., Platform], browser: Browser
) -> None:
    """On a phone, where every step is asked first; a tab beside sees each of them, and gives up with the session."""
    up = ready(workers=0)
    run = up.publish(write(up.snapshots / "vip.csv", 500))
    with signed_in(browser, up) as hand, signed_in(browser, up) as eye:
        hand.go(f"/runs/{run}")
        eye.go(f"/runs/{run}")
        for button, question, state in (
            ("Pause", "Pause this run?", "paused"),
            ("Resume", "Resume this run?", "delivering"),
        ):
            hand.page.get_by_role("link", name=button, exact=True).press("Enter")
            expect(hand.page.locator("h1")).to_have_text(question)
            clean(hand)
            hand.page.get_by_role("button", name=button, exact=True).press("Enter")
            expect(hand.page.locator("#live .state").first).to_have_text(state)
            expect(eye.page.locator("#live .state").first).to_have_text(state)
        other = eye.page.context.new_page()
        other.goto(f"{eye.base}/runs")
        other.locator(".me button").click()
        other.close()
        eye.page.wait_for_url("**/login?**", timeout=30_000)
    with signed_in(browser, up, java_script_enabled=False) as visitor:
        visitor.go(f"/runs/{run}")
        visitor.page.get_by_role("link", name="Cancel", exact=True).click()
        visitor.page.get_by_role("button", name="Cancel", exact=True).click()
        expect(visitor.page.locator("#live .state").first).to_have_text("cancelled")
        expect(visitor.page.get_by_role("link", name="Look again")).to_have_count(0)
    assert up.wait(run)["books"]["unsent"] == 500
