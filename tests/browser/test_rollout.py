"""A rollout in a browser: started from its form, watched while it goes on, paused and aborted.

The tests share a console of their own; each begins with a rollout that runs, or with none.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import people
from tests.browser.files import conversation
from tests.browser.test_screens import LOOKS, look_at
from tests.captures import pcap
from tests.services.console import QUICK, ROOT, Console

PERMITS = {
    f"PKTMASK_ROUTING__PERMIT_{mode}": "true" for mode in ("COMPARISON", "AB_TEST", "SCANNING")
}
# what is told must be there soon; a busy machine may be slow
SOON_MS = 20_000
Open = Callable[..., Page]
STATE = "SELECT state FROM migration_rollout ORDER BY id DESC LIMIT 1"
# it stays in phase 1, whatever is compared
LIMITS = ("--set", "baseline_pairs=1000")


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a console that permits rollouts; "oskar" is an operator, "vera" only looks."""
    environ = {**QUICK, **PERMITS, "PKTMASK_ADMIN_PASSWORD": people.PASSWORD}
    console = Console(tmp_path_factory.mktemp("rollouts"), environ)
    try:
        console.start()
        people.add_person(console, "oskar", "operator", people.PASSWORD)
        people.add_person(console, "vera", "viewer", people.PASSWORD)
        yield console
    finally:
        console.kill_everything()


def state(console: Console) -> str:
    rows = console.rows(STATE)
    return str(rows[0][0]) if rows else ""


def move(console: Console, action: str, *words: str) -> None:
    """Move the rollout at the machine itself."""
    command = [sys.executable, str(ROOT / "manage.py"), "rollout", action, *words]
    done = [*command, "--reason", "ticket 4711"]
    subprocess.run(done, env=console.environ, check=True, capture_output=True)


@pytest.fixture
def idle(rollouts: Console) -> None:
    """Let no rollout be active."""
    if state(rollouts) in ("running", "paused"):
        move(rollouts, "abort")


@pytest.fixture
def running(rollouts: Console) -> None:
    """Let a rollout run, whatever another test has left."""
    found = state(rollouts)
    if found == "paused":
        move(rollouts, "resume")
    elif found != "running":
        move(rollouts, "start", "--name", "scanning 2026", *LIMITS)


@pytest.fixture
def enter(open_page: Open, rollouts: Console) -> Open:
    """Give a function that opens the page about rollouts as somebody."""

    def enter(name: str = "oskar", **looks: object) -> Page:
        page = open_page(**looks)
        people.enter(page, rollouts.url, name, "/rollout/")
        # whatever is loaded again forgets this
        page.evaluate("document.isTheSame = true")
        return page

    return enter


def is_the_same(page: Page) -> bool:
    return bool(page.evaluate("document.isTheSame === true"))


def gate(page: Page, rule: str) -> Locator:
    return page.locator(f'[data-key="{rule}"] > summary')


def do(page: Page, button: str, confirm: str, reason: str, word: str = "") -> None:
    """Press a button, answer its question, and confirm."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    if word:
        dialog.get_by_label(f"Type {word} to confirm").fill(word)
    dialog.get_by_role("button", name=confirm).click()


@pytest.mark.usefixtures("idle")
def test_it_is_started_from_the_form_with_the_limits_of_a_preset(enter: Open) -> None:
    page = enter()
    page.get_by_role("link", name=re.compile("Start (a|another) rollout")).click()
    page.get_by_label("Name").fill("scanning 2026")
    page.get_by_label("Reason").fill("ticket 4711")
    # the script that fills in limits takes away the button that does without it
    expect(page.locator("[data-fill]")).to_be_hidden()
    # without any typing the preset fills in all of its limits, and marks what differs
    page.get_by_label("Demo").check()
    expect(page.get_by_label("gradual_percents")).to_have_value("30, 50, 75")
    expect(page.locator("tr.edited").filter(has_text="baseline_pairs")).to_be_visible()
    page.get_by_label("Standard").check()
    expect(page.locator("tr.edited")).to_have_count(0)
    page.get_by_label("Demo").check()
    page.get_by_role("button", name="Start the rollout").first.click()
    expect(
        page.get_by_role("heading", name=re.compile(r"Rollout \d+: scanning 2026"))
    ).to_be_visible()
    expect(page.locator("#stands")).to_contain_text("hold the step from 0 % to “Small A/B test”")


@pytest.mark.usefixtures("running")
def test_gates_move_as_captures_end_and_what_is_open_stays_open(
    enter: Open, rollouts: Console
) -> None:
    page = enter("vera")
    expect(gate(page, "enough")).to_contain_text(
        re.compile(r"\d+ captures were compared"), timeout=SOON_MS
    )
    # what passes is folded
    gate(page, "passed").click()
    gate(page, "leak").click()
    found = re.search(r"(\d+) captures were compared", gate(page, "enough").inner_text())
    assert found is not None
    before = re.compile(rf"\b{found[1]} captures were compared")
    for number in range(4):
        rollouts.upload(f"live-{number}.pcap", pcap(conversation(600 + number)))
    expect(gate(page, "enough")).not_to_contain_text(before, timeout=60_000)
    expect(gate(page, "enough")).to_contain_text(re.compile(r"[1-9]\d* captures were compared"))
    expect(page.locator('[data-key="leak"]')).to_have_attribute("open", "")
    expect(gate(page, "leak")).to_be_focused()
    # the page was opened before anybody had looked: lines and their keys came since
    expect(page.locator(".line-key.limit")).to_have_text("rolls back at", timeout=SOON_MS)
    assert is_the_same(page)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_their_window_and_are_accessible(
    enter: Open, rollouts: Console, width: int, theme: str
) -> None:
    page = enter(width=width, theme=theme)
    for name in ("evidence", "rates"):
        expect(page.locator(f'[data-chart="{name}"] .main-svg').first).to_be_attached(
            timeout=SOON_MS
        )
    look_at(page, "rollout", width, theme)
    page.get_by_role("button", name="Abort…").click()
    look_at(page, "rollout-abort", width, theme)
    page.goto(f"{rollouts.url}/rollout/start/")
    for each in page.locator("details.limits > summary").all():
        each.click()
    look_at(page, "rollout-start", width, theme)
    page.goto(f"{rollouts.url}/")
    expect(page.get_by_role("heading", name=re.compile("scanning 2026"))).to_be_visible()
    look_at(page, "overview-rollout", width, theme)


@pytest.mark.usefixtures("running")
def test_who_only_looks_sees_a_pause_and_nobody_loses_what_is_being_typed(enter: Open) -> None:
    viewer, typing, page = enter("vera"), enter(), enter()
    expect(viewer.get_by_role("button", name="Pause…")).to_have_count(0)
    typing.get_by_role("button", name="Abort…").click()
    typing.get_by_role("dialog").get_by_label("Reason").fill("because of")

    do(page, "Pause…", "Pause the rollout", "the vendor asks")
    for each in (viewer, typing):
        expect(each.locator("#stands")).to_contain_text(
            "until somebody resumes it", timeout=SOON_MS
        )
        expect(each.locator("[data-rollout-badge]")).to_have_text("Paused")
        assert is_the_same(each)
    expect(typing.get_by_role("dialog").get_by_label("Reason")).to_have_value("because of")
    typing.get_by_role("button", name="Leave it as it is").click()

    do(page, "Resume…", "Resume the rollout", "the vendor has answered")
    expect(viewer.locator("[data-rollout-badge]")).to_have_text("Running", timeout=SOON_MS)
    # what the closed dialog had kept back is put in
    typing.goto(typing.url)
    expect(typing.get_by_role("button", name="Pause…")).to_be_visible()


@pytest.mark.usefixtures("running")
def test_a_decision_is_replayed_on_the_page_and_its_answer_stays(enter: Open) -> None:
    page = enter("vera")
    started = page.get_by_role("listitem").filter(has_text="Started")
    started.get_by_role("button", name=re.compile("Replay decision")).click()
    expect(started).to_contain_text("Replayed from its row: the same answer.")
    other = enter()
    do(other, "Pause…", "Pause the rollout", "once more")
    expect(page.locator("#p-decisions").locator("xpath=../..")).to_contain_text(
        "once more", timeout=SOON_MS
    )
    expect(started).to_contain_text("Replayed from its row: the same answer.")
    assert is_the_same(page)


@pytest.mark.usefixtures("running")
def test_an_abort_needs_the_typed_word_and_sends_everything_to_legacy(
    enter: Open, rollouts: Console
) -> None:
    viewer, page = enter("vera"), enter()
    page.get_by_role("button", name="Abort…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("enough")
    dialog.get_by_role("button", name="Abort and send everything to legacy").click()
    # the browser asks for the word
    expect(dialog).to_be_visible()
    dialog.get_by_label("Type abort to confirm").fill("abort")
    dialog.get_by_role("button", name="Abort and send everything to legacy").click()
    expect(page.get_by_role("status").filter(has_text="aborted.")).to_be_visible()
    expect(viewer.locator("#stands")).to_contain_text("oskar: enough", timeout=SOON_MS)
    expect(viewer.locator("[data-rollout-badge]")).to_be_hidden()
    assert is_the_same(viewer)
    assert rollouts.rows("SELECT mode FROM trimming_routingpolicy ORDER BY version DESC")[0] == (
        "legacy",
    )
