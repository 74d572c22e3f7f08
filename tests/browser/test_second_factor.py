"""A second factor, from switching it on to signing in with it, in a browser."""

from __future__ import annotations

import os
from base64 import b32decode
from collections.abc import Callable
from pathlib import Path

import pytest
from django_otp.oath import totp
from playwright.sync_api import Page, expect

from tests.browser.axe import serious
from tests.browser.people import PASSWORD, add_person
from tests.services.console import Console


def looked_at(page: Page, name: str, width: int, theme: str) -> None:
    """Nothing serious, nothing wider than the page; a picture where one is asked for."""
    assert serious(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert not wide
    if folder := os.environ.get("PKTMASK_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}-{width}-{theme}.png", full_page=True)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_a_person_switches_it_on_and_signs_in_with_it(
    console: Console, open_page: Callable[..., Page], width: int, theme: str
) -> None:
    name = f"careful-{width}"
    add_person(console, name, "operator", PASSWORD)
    page = open_page(width=width, theme=theme)
    page.emulate_media(reduced_motion="reduce")  # what fades in has too little contrast meanwhile

    def sign_in() -> None:
        page.goto(console.url + "/sign-in/")
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()

    sign_in()
    page.goto(console.url + "/password/")
    looked_at(page, "own-password", width, theme)
    page.get_by_role("main").get_by_role("link", name="Second factor").click()
    looked_at(page, "second-factor-off", width, theme)
    key = page.get_by_role("main").locator("code").inner_text()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code of the app").fill(code_of(key))
    page.get_by_role("button", name="Switch on").click()
    codes = page.get_by_role("listitem").locator("code")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text()
    looked_at(page, "recovery-codes", width, theme)
    page.get_by_role("link", name="I have kept them").click()
    page.goto(console.url + "/second-factor/")
    looked_at(page, "second-factor-on", width, theme)
    page.context.clear_cookies()
    sign_in()
    looked_at(page, "code", width, theme)
    page.get_by_role("textbox", name="Code", exact=True).fill("000000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    page.get_by_role("textbox", name="Code", exact=True).fill(recovery)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("9 are left")).to_be_visible()


def code_of(key: str) -> str:
    """Return the code that an app shows for a key as it is shown."""
    return f"{totp(b32decode(key.replace(' ', ''))):06d}"
