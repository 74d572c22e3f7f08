"""Approvals, suspects and limits in a browser: what they look like, and one decision of each kind.

Only the web server runs: what is on the pages stays as it is while they are looked at.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from config.roles import APPROVER, OPERATOR
from tests.browser.people import PASSWORD, enter
from tests.browser.test_screens import LOOKS, in_turns, look_at
from tests.services.console import QUICK, ROOT, Console, wait_until

PERMITS = {
    f"PKTMASK_ROUTING__PERMIT_{mode}": "true" for mode in ("COMPARISON", "AB_TEST", "SCANNING")
}
PAGES = (
    ("approvals", "/admin/migration/approval/"),
    ("approval", "/admin/migration/approval/1/change/"),
    ("admin-rollout", "/admin/migration/rollout/2/change/"),
    ("admin-abort", "/admin/migration/rollout/2/act/abort/"),
    ("admin-decision", "/admin/migration/decision/1/change/"),
    ("suspects", "/rollout/1/suspects/"),
    ("suspects-none", "/rollout/2/suspects/"),
    ("limits", "/rollout/2/limits/"),
)

AT_ONCE = """
async (times) => {
  const form = document.querySelector("form:has(#why)");
  const body = new URLSearchParams([...new FormData(form), ["decide", "reject"]]);
  const sent = Array.from({ length: times }, () => fetch(location.href, { method: "POST", body }));
  return (await Promise.all(sent)).map(({ status }) => status);
}
"""


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a web server on data with two rollouts."""
    console = Console(tmp_path_factory.mktemp("rollouts"), {**QUICK, **PERMITS})
    console.prepare()
    made = f"from tests.browser.rollout_data import make; make({PASSWORD!r})"
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-c", made, "-v", "0"],
        env={**console.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    server = console.command("web", "--port", str(console.port))
    try:
        wait_until(lambda: is_there(console), 60, "the web server")
        yield console
    finally:
        server.terminate()
        server.wait(20)


def is_there(console: Console) -> bool:
    with suppress(URLError):
        return bool(urlopen(f"{console.url}/sign-in/", timeout=5).status == 200)
    return False


def signed_in(open_page: Callable[..., Page], web: Console, name: str, **looks: object) -> Page:
    page = open_page(**looks)
    enter(page, web.url, name)
    page.locator("[data-strip]").wait_for()
    return page


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_their_window_and_are_accessible(
    open_page: Callable[..., Page], web: Console, width: int, theme: str
) -> None:
    page = signed_in(open_page, web, APPROVER, width=width, theme=theme)
    for name, address in in_turns(PAGES, width, theme):
        page.goto(f"{web.url}{address}")
        look_at(page, name, width, theme)


def test_an_operator_ticks_suspects_and_has_them_run_again(
    open_page: Callable[..., Page], web: Console
) -> None:
    page = signed_in(open_page, web, OPERATOR)
    page.goto(f"{web.url}/rollout/1/suspects/")
    expect(page.get_by_role("button", name="Run selected again")).to_be_disabled()
    page.locator('tbody input[name="ids"]').first.check()
    page.get_by_role("button", name="Run selected again (1)").click()
    expect(page.get_by_text("1 output runs again on legacy")).to_be_visible()
    expect(page.get_by_role("table").get_by_text("Runs again on legacy")).to_be_visible()
    page.get_by_role("button", name="again", exact=False).and_(
        page.locator("[data-one]")
    ).first.click()
    expect(page.get_by_role("table").get_by_text("Runs again on legacy")).to_have_count(2)


def test_an_approver_releases_an_output_with_a_reason(
    open_page: Callable[..., Page], web: Console
) -> None:
    page = signed_in(open_page, web, APPROVER)
    page.goto(f"{web.url}/rollout/1/suspects/?state=different")
    page.get_by_role("button", name="Release Capture").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("1,284 bytes differ")).to_be_visible()
    dialog.get_by_label("Reason").fill("looked at it")
    dialog.get_by_role("button", name="Release it").click()
    expect(page.get_by_role("table").get_by_text("Released")).to_be_visible()


def test_limits_are_proposed_by_one_person_and_approved_by_another(
    open_page: Callable[..., Page], web: Console, complaints: list[str]
) -> None:
    operator = signed_in(open_page, web, OPERATOR)
    operator.goto(f"{web.url}/rollout/2/limits/")
    operator.get_by_role("heading", name="Health").click()
    operator.locator("#l-least_health").fill("much")
    operator.get_by_label("Reason").fill("a calm week")
    operator.get_by_role("button", name="Propose these limits").click()
    expect(operator.get_by_role("alert").get_by_text("least_health")).to_be_visible()
    expect(operator.locator("#l-least_health")).to_have_value("much")
    complaints.clear()  # the browser notes the status of the refusal
    operator.locator("#l-least_health").fill("0.9")
    operator.get_by_role("button", name="Propose these limits").click()
    expect(operator.get_by_role("heading", name="Version 4 is proposed")).to_be_visible()
    approver = signed_in(open_page, web, APPROVER)
    approver.goto(f"{web.url}/rollout/2/limits/")
    approver.get_by_role("button", name="Approve version 2").click()
    expect(approver.get_by_text("Version 2 is in force.")).to_be_visible()


def test_of_two_browsers_and_many_presses_at_once_one_decides(
    open_page: Callable[..., Page], web: Console, complaints: list[str]
) -> None:
    one, other = (signed_in(open_page, web, APPROVER) for _ in range(2))
    for page in (one, other):
        page.goto(f"{web.url}/admin/migration/approval/1/change/")
        page.get_by_label("Reason").fill("not yet")
    # the answer to what was done is led to the page, 200; that to a refusal is 422
    assert sorted(one.evaluate(AT_ONCE, 8)) == [200, *[422] * 7]
    other.get_by_role("button", name="Reject").click()
    expect(other.get_by_text("It was decided before: Rejected.")).to_be_visible()
    decided = "SELECT count(*) FROM config_auditevent WHERE action LIKE 'approval_%'"
    assert web.rows(decided) == [(1,)]
    complaints.clear()  # the browser notes the status of refusals
