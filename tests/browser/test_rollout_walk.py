"""A whole rollout as an operator and an approver see it, on a service of its own under load."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.services.console import wait_until
from tests.services.rehearsal import APPROVER, OPERATOR, Rehearsal

PASSWORD: Final = "a password of people"
PATIENCE_MS: Final = 120_000
# the figure of the issue, from the decision to the eye
SEEN_MS: Final = 5_000
ROLLED_BACK: Final = "SELECT count(*) FROM migration_decision WHERE move = 'roll_back'"


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Rehearsal]:
    console = Rehearsal(tmp_path)
    try:
        console.start()
        console.add_people(PASSWORD)
        yield console
    finally:
        console.kill_everything()


def signed_in(console: Rehearsal, browser: Browser, name: str, complaints: list[str]) -> Page:
    page = browser.new_context(base_url=console.url).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/captures/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Captures", level=1).wait_for()
    return page


def press(page: Page, button: str, confirm: str, reason: str) -> None:
    """Press a button of the rollout, say why, and confirm."""
    page.get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=confirm).click()


def test_an_operator_and_an_approver_walk_a_rollout_and_see_it_rolled_back(
    console: Rehearsal, browser: Browser, complaints: list[str]
) -> None:
    # jobs go before comparisons, so the workers must have time left
    with console.load(0.7):
        operator = signed_in(console, browser, OPERATOR, complaints)
        approver = signed_in(console, browser, APPROVER, complaints)
        start(operator)
        evidence_appears(operator)
        approve(operator, approver)
        served_by_scanning(console)
        a_fault_is_rolled_back_before_ones_eyes(console, operator)
        suspects_are_run_again(operator)
        restart(operator)
    assert complaints == []


def start(page: Page) -> None:
    page.goto("/rollout/")
    page.get_by_role("link", name="Start a rollout").click()
    page.get_by_label("Name").fill("scanning 2026")
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Start the rollout").first.click()
    expect(page.get_by_role("heading", name="scanning 2026", level=1)).to_be_visible()


def evidence_appears(page: Page) -> None:
    """Without a reload: the gate of least comparisons counts more and more."""
    gates = page.locator("[data-part=gates]")
    expect(gates).to_contain_text(
        re.compile(r"[1-9]\d* captures were compared"), timeout=PATIENCE_MS
    )


def approve(operator: Page, approver: Page) -> None:
    """The approver decides in the admin; the operator sees it on the open page."""
    expect(operator.get_by_text("An approval is asked for")).to_be_visible(timeout=PATIENCE_MS)
    approver.goto("/admin/migration/approval/")
    approver.get_by_role("main").get_by_role("link", name="scanning 2026").first.click()
    approver.get_by_label("Reason").fill("all in order")
    approver.get_by_role("button", name="Approve").click()
    expect(operator.locator("[data-part=path]")).to_contain_text("20 % for", timeout=PATIENCE_MS)
    expect(operator.get_by_text(f"{APPROVER}: all in order")).to_be_visible()


def served_by_scanning(console: Rehearsal) -> None:
    """Let scanning serve some captures, which are suspects afterwards."""
    query = "SELECT count(*) FROM trimming_trimrun WHERE strategy = 'scanning' AND outcome = 'done'"
    wait_until(lambda: console.rows(query)[0][0] >= 2, 90, "captures on scanning")


def a_fault_is_rolled_back_before_ones_eyes(console: Rehearsal, page: Page) -> None:
    faults = page.context.new_page()
    faults.goto("/demo/")
    masks_nothing = faults.get_by_role("listitem").filter(has_text="Scanning masks nothing.")
    masks_nothing.get_by_role("button", name="Switch on").click()
    wait_until(lambda: console.rows(ROLLED_BACK) == [(1,)], 90, "the rollback")
    why = page.get_by_role("heading", name="Why it was rolled back")
    expect(why).to_be_visible(timeout=SEEN_MS)
    faults.goto("/demo/")
    masks_nothing.get_by_role("button", name="Switch off").click()
    faults.close()


def suspects_are_run_again(page: Page) -> None:
    """Legacy makes the same bytes, and they leave the quarantine."""
    page.get_by_role("link", name="See the suspects and decide").click()
    tile = page.locator(".tile").filter(has_text="In quarantine")
    expect(tile.locator(".big")).not_to_have_text("0", timeout=PATIENCE_MS)
    page.get_by_role("button", name=re.compile("Run .*again…")).click()
    page.get_by_role("dialog").get_by_role("button", name="Run them again").click()
    expect(tile.locator(".big")).to_have_text("0", timeout=PATIENCE_MS)


def restart(page: Page) -> None:
    page.goto("/rollout/")
    press(page, "Restart…", "Begin a new attempt", "the fault is gone")
    expect(page.locator("[data-part=path]")).to_contain_text("attempt 2")
    expect(page.locator("[data-part=path]")).to_contain_text("Baseline validation")
