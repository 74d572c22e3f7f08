"""An upload and a whole rollout, from its start to its second attempt, without a mouse."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.files import capture_file
from tests.browser.keyboard import Keyboard
from tests.services.rehearsal import APPROVER, OPERATOR, Rehearsal

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("REQUIRE_SERVICES"), reason="chromium is not installed"
)
PASSWORD: Final = "a password of people"
PATIENCE_MS: Final = 120_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Rehearsal]:
    console = Rehearsal(tmp_path)
    try:
        console.start()
        console.add_people(PASSWORD)
        yield console
    finally:
        console.kill_everything()


def signed_in(console: Rehearsal, browser: Browser, name: str) -> Keyboard:
    page = browser.new_context(base_url=console.url).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/captures/")
    person = Keyboard(page)
    person.write(page.get_by_label("Name"), name)
    person.write(page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Captures", level=1)).to_be_visible()
    return person


def test_a_capture_is_uploaded_and_a_rollout_walked_by_keyboard_alone(
    console: Rehearsal, browser: Browser, tmp_path: Path
) -> None:
    operator = signed_in(console, browser, OPERATOR)
    upload(operator, capture_file(tmp_path, 1))
    approver = signed_in(console, browser, APPROVER)
    start(operator)
    # twice what phase 1 compares; jobs go first, so they come to their end before
    console.send(20)
    gates_are_read(operator)
    hold_and_resume(operator)
    approve(operator, approver)
    roll_back(operator)
    restart(operator)


def upload(person: Keyboard, file: Path) -> None:
    page = person.page
    person.choose(page.locator("input[name=files]")).set_files(file)
    row = page.locator("tr[data-capture]").filter(has_text=file.name)
    expect(row).to_contain_text("Done")
    download = page.get_by_role("link", name=f"Download {file.name}", exact=True)
    with page.expect_download() as begun:
        person.press(download)
    assert begun.value.path().stat().st_size == file.stat().st_size


def start(person: Keyboard) -> None:
    page = person.page
    page.goto("/rollout/")
    person.press(page.get_by_role("link", name="Start a rollout"))
    person.write(page.get_by_label("Name"), "by keyboard")
    person.write(page.get_by_label("Reason"), "ticket 4711")
    person.press(page.get_by_role("button", name="Start the rollout").first)
    expect(page.get_by_role("heading", name="by keyboard", level=1)).to_be_visible()


def gates_are_read(person: Keyboard) -> None:
    """A gate is opened, and stays where it is when the page is put in anew."""
    page = person.page
    gate = page.locator("details.gate[data-key=enough]")
    person.press(gate.locator("summary"))
    expect(gate).to_have_attribute("open", "")
    expect(gate).to_contain_text("captures were compared")
    page.keyboard.press("Enter")
    expect(gate).not_to_have_attribute("open", "")


def act(person: Keyboard, button: str, confirm: str, reason: str) -> None:
    """Press a button of the rollout, say why, and confirm."""
    page = person.page
    person.press(page.get_by_role("button", name=button, exact=True))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    person.write(dialog.get_by_label("Reason"), reason)
    person.press(dialog.get_by_role("button", name=confirm))
    expect(dialog).to_be_hidden()


def hold_and_resume(person: Keyboard) -> None:
    page = person.page
    # whoever leaves the question is where one was
    pause = page.get_by_role("button", name="Pause…", exact=True)
    person.press(pause)
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    page.keyboard.press("Escape")
    expect(pause).to_be_focused()
    act(person, "Pause…", "Pause the rollout", "to look at it")
    expect(page.locator("#stands")).to_contain_text("until somebody resumes it")
    act(person, "Resume…", "Resume the rollout", "all is well")
    expect(page.get_by_role("button", name="Pause…", exact=True)).to_be_visible()


def approve(operator: Keyboard, approver: Keyboard) -> None:
    """It is asked for by itself; another person grants it in the administration."""
    expect(operator.page.get_by_text("An approval is asked for")).to_be_visible()
    page = approver.page
    page.goto("/admin/migration/approval/")
    approver.press(page.get_by_role("main").get_by_role("link", name="by keyboard").first)
    approver.write(page.get_by_label("Reason"), "all in order")
    approver.press(page.get_by_role("button", name="Approve"))
    path = operator.page.locator("[data-part=path]")
    expect(path).to_contain_text("20 % for")


def roll_back(person: Keyboard) -> None:
    page: Page = person.page
    page.goto("/")
    person.press(page.get_by_role("link", name="Emergency rollback…"))
    dialog = page.get_by_role("dialog")
    person.write(dialog.get_by_label("Reason"), "to try it")
    person.write(dialog.get_by_label("Type rollback to confirm"), "rollback")
    person.press(dialog.get_by_role("button", name="Send everything to legacy"))
    expect(page.get_by_role("heading", name="A rollback stands")).to_be_visible()
    page.goto("/rollout/")
    expect(page.get_by_role("heading", name="Why it was rolled back")).to_be_visible()


def restart(person: Keyboard) -> None:
    act(person, "Restart…", "Begin a new attempt", "it was only tried")
    expect(person.page.locator("[data-part=path]")).to_contain_text("attempt 2")
