"""One running service and one browser for all tests of this folder.

Playwright's loop must not run while other tests use theirs, so it lives as long as this folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.people import PASSWORD, enter
from tests.services.console import QUICK, Console

# the shell draws no window of its own
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# what a page is waited for; a busy machine is no failure
PATIENCE_MS = 30_000
Login = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder; without a browser it skips, unless services are required."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if CHROMIUM is None and not os.environ.get("REQUIRE_SERVICES"):
                item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.fixture(scope="package")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a running console."""
    environ = {**QUICK, "PKTMASK_ADMIN_PASSWORD": PASSWORD}
    console = Console(tmp_path_factory.mktemp("console"), environ, from_nothing=True)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give a browser."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What browsers complained of; a test may remove what it provoked."""
    return []


@pytest.fixture
def open_page(
    console: Console, browser: Browser, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Give a function that opens a page in a new context; no browser may complain of anything."""
    contexts: list[BrowserContext] = []

    def open_page(
        width: int = 1440, height: int = 900, theme: str = "light", locale: str = "en-US"
    ) -> Page:
        context = browser.new_context(
            base_url=console.url,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Europe/Berlin",
            locale=locale,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if said.type == "error" else None,
        )
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def sign_in(console: Console, open_page: Callable[..., Page]) -> Login:
    """Give a function that opens a page and signs in, without a name as the administrator."""

    def sign_in(name: str = console.username, **looks: object) -> Page:
        page = open_page(**looks)
        enter(page, console.url, name, "/captures/")
        page.get_by_role("heading", name="Captures", level=1).wait_for()
        return page

    return sign_in
