"""The page Maintenance: a dry run is asked for, done by the service, and appears; looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screens import LOOKS, look_at

Login = Callable[..., Page]


def test_a_dry_run_appears_on_the_page_by_itself(sign_in: Login) -> None:
    page = sign_in()
    page.get_by_role("link", name="Maintenance").click()
    page.get_by_role("button", name="Dry run: Expired sessions").click()
    expect(page.locator("[data-toasts]")).to_contain_text("a dry run was asked for")
    runs = page.get_by_role("region", name="Newest runs")
    expect(runs).to_contain_text("Sessions that would be removed", timeout=120_000)
    expect(runs).to_contain_text("dry run")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_page_fits_and_is_accessible(sign_in: Login, width: int, theme: str) -> None:
    page = sign_in(width=width, theme=theme)
    page.goto("/maintenance/")
    look_at(page, "maintenance", width, theme)
