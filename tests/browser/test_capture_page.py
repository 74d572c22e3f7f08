"""The page of one capture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.files import big_capture, conversation
from tests.browser.people import PASSWORD, add_person
from tests.captures import pcap
from tests.services.console import Console

Login = Callable[..., Page]
DONE_MS = 60_000


def test_a_page_follows_its_job_from_waiting_to_the_report(
    sign_in: Login, tmp_path: Path, console: Console
) -> None:
    page = sign_in()
    data = big_capture(tmp_path, 6_000_000, seed=1).read_bytes()
    # the others keep the workers busy until the page is there
    capture_id = [console.upload(f"followed-{n}.pcap", data) for n in range(6)][-1]
    page.goto(f"/captures/{capture_id}/")
    expect(page.locator("main progress")).to_be_visible(timeout=DONE_MS)
    expect(page.get_by_text("Done, verified")).to_be_visible(timeout=DONE_MS)
    expect(page.get_by_role("heading", name="Verification")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Download"))).to_be_visible()
    # charts of a result that came while the page was open
    expect(page.locator("[data-chart=timeline-bytes] .main-svg").first).to_be_visible()


def test_messages_and_packets_are_looked_at_by_keyboard(
    sign_in: Login, tmp_path: Path, console: Console
) -> None:
    capture_id = console.upload("looked-at.pcap", pcap(conversation(62)))
    page = sign_in()
    page.goto(f"/captures/{capture_id}/")
    expect(page.get_by_text("Done, verified")).to_be_visible(timeout=DONE_MS)
    page.get_by_role("link", name="Messages", exact=True).press("Enter")
    message = page.locator(".messages summary").first
    expect(message).to_contain_text("GET /page/62/0")
    message.press("Enter")
    page.get_by_role("link", name="look at packet 4").press("Enter")
    # in rows of 16
    expect(page.get_by_label("Bytes before masking")).to_contain_text("GET /page/")
    page.get_by_role("link", name="Next", exact=True).press("Enter")
    expect(page.get_by_role("heading", name="Packet 5")).to_be_visible()
    expect(page.locator("pre .k-body").first).to_be_visible()
    expect(page.locator("pre .k-overwritten").first).to_be_visible()


def test_a_page_whose_reading_gets_no_answer_says_so_and_reads_when_asked_again(
    sign_in: Login, console: Console, complaints: list[str]
) -> None:
    capture_id = console.upload("unread.pcap", pcap(conversation(63)))
    page = sign_in()
    page.goto(f"/captures/{capture_id}/")
    expect(page.get_by_text("Done, verified")).to_be_visible(timeout=DONE_MS)
    reading = re.compile("read=1$")
    page.route(reading, lambda route: route.abort())
    page.goto(f"/captures/{capture_id}/messages/?packet=1")
    expect(page.get_by_role("alert")).to_contain_text("No answer came")
    page.unroute(reading)
    complaints[:] = [said for said in complaints if "ERR_FAILED" not in said]
    page.get_by_role("link", name="Try again").click()
    expect(page.locator(".messages summary").first).to_contain_text("GET /page/63/0")


def test_the_tour_goes_step_by_step_and_ends_for_good(sign_in: Login, console: Console) -> None:
    add_person(console, "newcomer", "operator", PASSWORD)
    page = sign_in("newcomer")
    tour = page.get_by_role("region", name="A short tour")
    expect(page.locator(".toured")).to_be_visible()
    expect(tour.get_by_role("heading", level=3)).to_have_text("Give it a capture")
    tour.get_by_role("button", name="Next").press("Enter")
    expect(tour.get_by_role("heading", level=3)).to_be_focused()
    expect(tour).to_contain_text("2 of 4")
    page.keyboard.press("ArrowLeft")
    expect(tour).to_contain_text("1 of 4")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Take the tour")).to_be_visible()
    page.reload()
    expect(tour).to_have_count(0)


def test_a_capture_is_deleted_after_one_question(
    sign_in: Login, console: Console, complaints: list[str]
) -> None:
    page = sign_in()
    capture_id = console.upload("to-delete.pcap", pcap(conversation(60)))
    page.goto(f"/captures/{capture_id}/")
    expect(page.get_by_text("Done, verified")).to_be_visible(timeout=DONE_MS)
    page.get_by_role("button", name=re.compile("^Delete…")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("heading", name="Captures", level=1).wait_for()
    expect(page.get_by_role("link", name="to-delete.pcap", exact=True)).to_have_count(0)
    assert not list((console.data_dir / "files").rglob(str(capture_id)))
    gone = page.goto(f"/captures/{capture_id}/")
    assert gone is not None
    assert gone.status == 404
    complaints[:] = [said for said in complaints if "404" not in said]


def test_somebody_else_cannot_reach_a_capture_by_its_address(
    sign_in: Login, console: Console, complaints: list[str]
) -> None:
    capture_id = console.upload("private.pcap", pcap(conversation(61)))
    add_person(console, "other", "operator", PASSWORD)
    page = sign_in("other")
    expect(page.get_by_role("heading", name="No captures yet")).to_be_visible()
    for address in ("", "download/", "row/", "messages/", "packets/"):
        answer = page.request.get(f"/captures/{capture_id}/{address}")
        assert answer.status == 404
    assert complaints == []
