"""The page Configuration: changing a value, seeing it everywhere, and going back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.people import PASSWORD, add_person
from tests.browser.test_screens import LOOKS, look_at
from tests.services.console import Console

Login = Callable[..., Page]
DAYS = "keep_originals_days"
# a process that ended is counted for 45 seconds: see config.current.GONE_AFTER
EVERYWHERE_MS = 60_000
EVERYWHERE = re.compile(r"In force in ([1-9]\d*) of \1 processes")


def row(page: Page, key: str) -> Locator:
    """Return the row of a setting in the tables of settings."""
    code = page.get_by_role("rowheader").locator("code").get_by_text(key, exact=True)
    return page.locator("form tbody tr").filter(has=code)


def typed(page: Page, key: str, value: str) -> None:
    """Type a value."""
    page.get_by_label(key).fill(value)


def apply(page: Page, reason: str) -> None:
    """Give a reason and apply what was typed."""
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Apply").click()


def in_force(console: Console) -> int:
    """Return the number of the newest version."""
    number: int = console.rows("SELECT max(number) FROM config_configversion")[0][0]
    return number


def give_back(page: Page) -> None:
    """Take back what a test gave, so that the next one begins with the default."""
    page.goto("/configuration/")
    box = row(page, DAYS).get_by_role("checkbox")
    if box.count():
        box.check()
        apply(page, "end of the test")
        page.get_by_text(re.compile("Version .* applies")).wait_for()


def test_a_change_is_seen_in_force_with_its_origin_and_an_earlier_version_is_restored(
    sign_in: Login, console: Console
) -> None:
    page = sign_in()
    before = in_force(console)
    page.get_by_role("link", name="Configuration").click()
    expect(row(page, DAYS)).to_contain_text("default")
    typed(page, DAYS, "3")
    page.keyboard.press("Enter")
    change = page.get_by_role("region", name="What would change").get_by_role("row")
    expect(change.filter(has_text=DAYS)).to_contain_text(re.compile(r"7\s*3\s*console"))
    assert in_force(console) == before

    apply(page, "the disk is small")
    expect(page.get_by_text(f"Version {before + 1} applies: 1 setting changed.")).to_be_visible()
    expect(row(page, DAYS).get_by_role("textbox")).to_have_value("3")
    expect(row(page, DAYS)).to_contain_text(re.compile(rf"console\s*version {before + 1} by admin"))
    expect(page.get_by_role("status").filter(has_text=EVERYWHERE)).to_be_visible(
        timeout=EVERYWHERE_MS
    )
    expect(page.locator("main")).to_contain_text("the disk is small")

    page.get_by_role("link", name="Versions").click()
    page.get_by_role("link", name=f"Version {before + 1}", exact=True).click()
    changed = page.get_by_role("region", name="What it changed")
    expect(changed.get_by_role("row").filter(has_text=DAYS)).to_contain_text(re.compile(r"7\s*3"))
    page.get_by_role("link", name="Versions", exact=True).click()
    page.get_by_role("link", name=f"Version {before}", exact=True).click()
    page.get_by_role("button", name="Restore this version…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"keep_originals_days:\s*3 → 7"))
    dialog.get_by_label("Reason").fill("it was large enough")
    dialog.get_by_role("button", name=f"Restore version {before}").click()
    expect(row(page, DAYS).get_by_role("textbox")).to_have_value("7")
    expect(page.get_by_role("status").filter(has_text=EVERYWHERE)).to_be_visible(
        timeout=EVERYWHERE_MS
    )
    assert in_force(console) == before + 2


def test_of_two_administrators_the_slower_one_sees_the_change_of_the_other(
    sign_in: Login, console: Console, complaints: list[str]
) -> None:
    add_person(console, "second", "administrator", PASSWORD)
    slow, fast = sign_in(), sign_in("second")
    for page in (slow, fast):
        page.goto("/configuration/")
    typed(fast, DAYS, "5")
    apply(fast, "faster")
    fast.get_by_text(re.compile("Version .* applies")).wait_for()
    typed(slow, "max_upload_bytes", "7,000,000,000")
    apply(slow, "slower")
    expect(slow.get_by_role("region", name="Changed meanwhile")).to_contain_text("by second")
    expect(row(slow, DAYS).get_by_role("textbox")).to_have_value("5")
    expect(row(slow, "max_upload_bytes").get_by_role("textbox")).to_have_value("7,000,000,000")
    expect(slow.get_by_label("Reason")).to_have_value("slower")
    look_at(slow, "configuration-conflict", 1440, "light")
    slow.get_by_role("button", name="Apply").click()
    slow.get_by_text(re.compile("Version .* applies")).wait_for()
    for key, value in ((DAYS, "5"), ("max_upload_bytes", "7000000000")):
        expect(row(slow, key).get_by_role("textbox")).to_have_value(value)
        row(slow, key).get_by_role("checkbox").check()
    apply(slow, "end of the test")
    expect(row(slow, "max_upload_bytes")).to_contain_text("default")
    assert [said for said in complaints if "409" in said]
    complaints[:] = [said for said in complaints if "409" not in said]


def test_a_broken_rule_stands_beside_its_fields_and_the_page_works_with_keys_alone(
    sign_in: Login,
) -> None:
    page = sign_in()
    page.goto("/configuration/")
    field = page.get_by_label("beat_seconds").first
    find = page.get_by_role("searchbox", name="Find a setting")
    find.press_sequentially("beat seconds")
    expect(row(page, DAYS)).to_be_hidden()
    expect(field).to_be_visible()
    find.fill("")
    page.get_by_label("only what differs from the default").check()
    expect(row(page, DAYS)).to_be_hidden()
    page.get_by_label("only what differs from the default").uncheck()
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was changed")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("40")
    page.get_by_role("alert").get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    expect(field).to_be_in_viewport()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_fits_its_window(sign_in: Login, width: int, theme: str) -> None:
    page = sign_in(width=width, theme=theme)
    page.goto("/configuration/")
    typed(page, DAYS, "2")
    apply(page, "Originals of the night fill the disk, so they go sooner until there is a larger")
    page.get_by_text(re.compile("Version .* applies")).wait_for()
    expect(page.get_by_role("status").filter(has_text=EVERYWHERE)).to_be_visible(
        timeout=EVERYWHERE_MS
    )
    look_at(page, "configuration", width, theme)
    typed(page, "max_attempts", "4")
    page.get_by_label("first_mode").select_option("scanning")
    page.get_by_role("button", name="Validate").click()
    page.get_by_role("heading", name="What would change").wait_for()
    look_at(page, "configuration-validated", width, theme)
    page.get_by_label("beat_seconds").first.fill("soon")
    page.get_by_role("button", name="Validate").click()
    page.get_by_role("heading", name="Nothing was changed").wait_for()
    look_at(page, "configuration-refused", width, theme)
    page.get_by_role("link", name="Versions").click()
    look_at(page, "versions", width, theme)
    page.get_by_role("rowheader").nth(1).get_by_role("link").click()
    look_at(page, "version", width, theme)
    page.get_by_role("button", name="Restore this version…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    look_at(page, "version-restore", width, theme)
    give_back(page)
