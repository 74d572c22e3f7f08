"""Where captures go: giving them to scanning, seeing why, and taking it all back.

These tests publish policies on the console that all tests of this folder share, so each begins by
lifting what an earlier one left, and the last word is legacy again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.files import capture_file, conversation
from tests.browser.test_screens import LOOKS, look_at
from tests.captures import pcap
from tests.services.console import Console, wait_until

Login = Callable[..., Page]
DONE_MS = 60_000


def publish(page: Page, mode: str, reason: str, *, lift: bool = False, **shares: str) -> None:
    """Publish a policy on the page about routing, as a person does."""
    page.goto("/routing/")
    page.get_by_label("Mode", exact=True).select_option(mode)
    for name, percent in shares.items():
        page.locator(f"[name={name}_percent]").fill(percent)
    if lift:
        page.get_by_label("Lift the rollback").check()
    page.locator("form[data-policy]").get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Publish the policy").click()
    expect(page.get_by_role("status").filter(has_text="is in force")).to_be_visible()


def roll_back(page: Page, reason: str) -> None:
    """Press the button of the overview, type the word, and confirm."""
    page.goto("/")
    page.get_by_role("link", name="Emergency rollback…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label("Type rollback to confirm").fill("rollback")
    dialog.get_by_role("button", name="Send everything to legacy").click()
    expect(page.get_by_role("heading", name="A rollback stands")).to_be_visible()


@pytest.fixture
def administrator(sign_in: Login) -> Iterator[Page]:
    """Give a page of the administrator; nothing stands before, and all goes to legacy after."""
    page = sign_in()
    lift(page)
    yield page
    lift(page)


def lift(page: Page) -> None:
    """Let everything go to legacy, with no rollback that stands."""
    page.goto("/routing/")
    stands = page.get_by_role("heading", name="A rollback stands").count() > 0
    publish(page, "legacy", "begin anew", lift=stands)


def upload_and_open(page: Page, file: Path) -> None:
    """Upload a capture in the list, wait for its result, and open its page."""
    page.goto("/captures/")
    page.locator("input[name=files]").set_input_files(file)
    row = page.locator("tr[data-capture]").filter(has_text=file.name)
    expect(row).to_contain_text("Done", timeout=DONE_MS)
    row.get_by_role("link", name=file.name, exact=True).click()
    expect(page.get_by_text("Done, verified")).to_be_visible()


def test_captures_go_to_scanning_and_after_a_rollback_to_legacy_and_each_page_says_why(
    administrator: Page, tmp_path: Path
) -> None:
    page = administrator
    publish(page, "scanning", "try scanning")
    expect(page.get_by_text("Every capture goes to scanning")).to_be_visible()
    upload_and_open(page, capture_file(tmp_path, 70))
    expect(page.get_by_role("heading", name="Why scanning")).to_be_visible()
    expect(page.get_by_text("Everything goes to scanning.")).to_be_visible()

    roll_back(page, "bodies were seen")
    expect(page.get_by_role("status").filter(has_text=re.compile(r"in \d+\.\d ms"))).to_be_visible()
    expect(page.get_by_text("bodies were seen").first).to_be_visible()

    upload_and_open(page, capture_file(tmp_path, 71))
    expect(page.get_by_role("heading", name="Why legacy")).to_be_visible()
    expect(page.get_by_text("Everything goes to legacy.")).to_be_visible()


def test_the_rollback_cannot_be_sent_before_the_word_is_typed(administrator: Page) -> None:
    page = administrator
    page.get_by_role("button", name="Emergency rollback…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill("only to look")
    dialog.get_by_label("Type rollback to confirm").fill("roll")
    dialog.get_by_role("button", name="Send everything to legacy").click()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="A rollback stands")).to_have_count(0)


def test_a_wish_that_is_refused_is_told_beside_the_form_and_stays_filled_in(
    administrator: Page, complaints: list[str]
) -> None:
    page = administrator
    roll_back(page, "to be refused after it")
    page.get_by_label("Mode", exact=True).select_option("ab_test")
    page.locator("[name=treatment_percent]").fill("12.5")
    page.locator("form[data-policy]").get_by_label("Reason").fill("too early")
    page.get_by_role("button", name="Publish the policy").click()
    alert = page.get_by_role("alert").filter(has_text="A rollback stands")
    expect(alert).to_be_visible()
    expect(alert).to_be_focused()
    expect(page.locator("[name=treatment_percent]")).to_have_value("12.5")
    expect(page.locator("form[data-policy]").get_by_label("Reason")).to_have_value("too early")
    # the browser notes an answer of 422 as an error
    complaints[:] = [said for said in complaints if "422" not in said]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_page_and_its_dialog_fit_their_window(
    sign_in: Login,
    administrator: Page,
    console: Console,
    width: int,
    theme: str,
    complaints: list[str],
) -> None:
    publish(administrator, "ab_test", "a small test of a share", treatment="50", shadow="20")
    page = sign_in(width=width, theme=theme)
    capture = console.upload(f"shares-{width}-{theme}.pcap", pcap(conversation(80 + width)))
    chosen = console.upload(
        f"by-hand-{width}-{theme}.pcap", pcap(conversation(90 + width)), strategy="scanning"
    )
    wait_until(lambda: console.job_of(capture)[0] == console.job_of(chosen)[0] == "done", 60)
    page.goto("/routing/")
    look_at(page, "routing", width, theme)
    page.goto(f"/captures/{capture}/")
    look_at(page, "capture-routed", width, theme)
    page.goto("/captures/")
    look_at(page, "captures-routed", width, theme)
    page.goto("/routing/")
    page.get_by_role("button", name="Emergency rollback…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look_at(page, "routing-dialog", width, theme)
    roll_back(page, "bodies were seen in a result of the branch in Oslo")
    page.get_by_label("Mode", exact=True).select_option("scanning")
    page.locator("form[data-policy]").get_by_label("Reason").fill("too early")
    page.get_by_role("button", name="Publish the policy").click()
    expect(page.get_by_role("alert").filter(has_text="Nothing was changed")).to_be_visible()
    page.evaluate("scrollTo(0, 0)")
    look_at(page, "routing-standing", width, theme)
    page.goto("/captures/")
    look_at(page, "captures-standing", width, theme)
    for name, address in (
        ("admin-policies", "/admin/trimming/routingpolicy/"),
        ("admin-policy", "/admin/trimming/routingpolicy/1/change/"),
    ):
        page.goto(address)
        look_at(page, name, width, theme)
    complaints[:] = [said for said in complaints if "422" not in said]
