"""The console for a browser that asks for Chinese: what has a translation is not English."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.utils.translation import override
from playwright.sync_api import Page, expect

from config.languages.told import told
from config.roles import APPROVER
from tests.browser.files import captures
from tests.browser.people import PASSWORD, add_person
from tests.browser.test_upload_to_download import DONE_MS, choose, row
from tests.browser.walk.table import PAGES, Shown
from tests.services.console import Console

CHINESE: Final = "zh-hans"
# beside these every page that needs nothing to be there already
SHOWN: Final = tuple(
    each for each in PAGES if each.is_bare or each.name in ("password", "audit", "help", "admin")
)
# what somebody is called, what files and commands say, and what Django has no Chinese for
NAMES: Final = frozenset(
    (
        *("admin", "approver", "other", "legacy", "scanning", "standard", "share_safe"),
        "standard, version 1",
        # channels, events of the audit log, and values of settings
        *("log", "upload", "delete", "none"),
        "Add link",
    )
)
TEXTS: Final = """
() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = new Set();
  while (walker.nextNode()) {
    const { parentElement: parent, data } = walker.currentNode;
    const text = data.replace(/\\s+/g, " ").trim();
    if (/[A-Za-z]{2}/.test(text) && parent.checkVisibility() && !parent.closest("code, pre, kbd"))
      found.add(text);
  }
  return [...found];
}
"""


def english(page: Page) -> list[str]:
    """Return what of the visible text the catalogue has in Chinese."""
    with override(CHINESE):
        return [text for text in page.evaluate(TEXTS) if text not in NAMES and told(text) != text]


def sign_in(page: Page, name: str) -> None:
    """Sign in, whatever the language."""
    page.goto("/captures/")
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    expect(page).to_have_url(re.compile("/captures/$"))


def test_nothing_is_english_that_has_a_translation(
    console: Console, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page, other = open_page(locale="zh-CN"), open_page(locale="zh-CN")
    page.goto("/sign-in/")
    wrong = {"sign-in": english(page)}
    sign_in(page, "admin")
    # an upload by its form, and the page of the capture
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        choose(page, captures(tmp_path / "files", 60)[0])
    expect(row(page, "edge-fra60.pcap")).to_contain_text("已完成", timeout=DONE_MS)
    wrong["captures"] = english(page)
    page.get_by_role("link", name="edge-fra60.pcap", exact=True).click()
    expect(page.locator("h1")).to_contain_text("edge-fra60.pcap")
    wrong["capture"] = english(page)
    add_person(console, "approver-zh", APPROVER, PASSWORD)
    sign_in(other, "approver-zh")
    for each in SHOWN:
        wrong[each.name] = seen(other if each.who == APPROVER else page, each)
    assert {where: texts for where, texts in wrong.items() if texts} == {}


def seen(page: Page, shown: Shown) -> list[str]:
    """Open a page; return what is English on it."""
    answer = page.goto(shown.path({}))
    assert answer is not None
    assert answer.status == shown.status
    expect(page.locator("html")).to_have_attribute("lang", CHINESE)
    return english(page)
