"""The pages Audit log and Password, in a browser: they fit, and the live feed opens for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screens import LOOKS, look_at

Login = Callable[..., Page]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_and_are_accessible(sign_in: Login, width: int, theme: str) -> None:
    page = sign_in(width=width, theme=theme)
    page.goto("/audit/")
    expect(page.get_by_role("table").first).to_contain_text("sign_in")
    look_at(page, "audit", width, theme)
    page.goto("/audit/?what=nothing")
    look_at(page, "audit-empty", width, theme)
    page.goto("/password/")
    look_at(page, "password", width, theme)
