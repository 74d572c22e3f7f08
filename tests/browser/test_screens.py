"""What the pages look like: pictures to look at, and what programs can see in them.

Pictures go to the folder that PKTMASK_SCREENSHOTS names, if it names one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import serious
from tests.browser.files import big_capture, captures
from tests.services.console import Console, wait_until

Login = Callable[..., Page]
FOLDER = os.environ.get("PKTMASK_SCREENSHOTS", "")
# each width and each theme once; all pairs where pictures are taken, and among the long tests
SHORT = ((390, "light"), (1440, "dark"))
LOOKS = [
    *SHORT,
    pytest.param(390, "dark", marks=pytest.mark.long),
    pytest.param(1440, "light", marks=pytest.mark.long),
]


def in_turns(pages: Sequence[tuple[str, str]], width: int, theme: str) -> Sequence[tuple[str, str]]:
    """Return the pages to look at: in the short looks each page once, in one of the two.

    Every page in every look is the walk of test_every_page.py.
    """
    if FOLDER or (width, theme) not in SHORT:
        return pages
    return pages[SHORT.index((width, theme)) :: len(SHORT)]


def look_at(page: Page, name: str, width: int, theme: str) -> None:
    """Take a picture, and find what runs out of the page and what axe calls serious."""
    expect(page.locator("h1, .brand").first).to_be_visible()
    sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert sideways <= 0, f"{name} is {sideways} px wider than the window"
    if FOLDER:
        page.screenshot(path=Path(FOLDER) / f"{name}-{width}-{theme}.png", full_page=True)
    assert serious(page) == []


@pytest.fixture(scope="module")
def done(console: Console, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a capture that is done; some others are there too."""
    addresses = []
    for file in captures(tmp_path_factory.mktemp("screens")):
        capture_id = console.upload(file.name, file.read_bytes())
        addresses.append(f"/captures/{capture_id}/")
        wait_until(lambda: console.job_of(capture_id)[0] == "done", 60)  # noqa: B023 - used at once
    return addresses[1]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_fits_its_window_and_is_accessible(
    sign_in: Login,
    open_page: Callable[..., Page],
    done: str,
    complaints: list[str],
    width: int,
    theme: str,
) -> None:
    page = open_page(width=width, theme=theme)
    page.goto("/")
    look_at(page, "login", width, theme)
    page = sign_in(width=width, theme=theme)
    expect(page.locator("[data-live]")).to_have_text("Live")
    look_at(page, "captures", width, theme)
    page.goto(done)
    expect(page.get_by_text("Done, verified")).to_be_visible()
    look_at(page, "capture", width, theme)
    for name, address in (
        ("messages", f"{done}messages/"),
        ("packets", f"{done}packets/?packet=5"),
        ("proof", f"{done}proof/"),
        ("style", "/style/"),
        ("not-found", "/nothing-is-here/"),
        ("tokens", "/tokens/"),
        ("password", "/password/"),
        ("second-factor", "/second-factor/"),
        ("admin", "/admin/"),
        ("admin-jobs", "/admin/trimming/trimjob/"),
        ("admin-runs", "/admin/trimming/trimrun/"),
        ("admin-audit", "/admin/config/auditevent/"),
    ):
        page.goto(address)
        look_at(page, name, width, theme)
    # the page of an address that there is not
    complaints[:] = [said for said in complaints if "404 (Not Found)" not in said]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_an_upload_in_progress_fits_its_window_and_is_accessible(
    sign_in: Login, tmp_path: Path, width: int, theme: str
) -> None:
    page = sign_in(width=width, theme=theme)
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000},
    )
    file = big_capture(tmp_path, 3_000_000, seed=2)
    second = tmp_path / "branch-osl4-0311-with-a-rather-long-name-of-a-site.pcap"
    second.write_bytes(file.read_bytes()[:-1])
    bad = tmp_path / "notes.docx"
    bad.write_bytes(b"")
    page.locator("input[name=files]").set_input_files([file, second, bad])
    expect(page.locator("[data-summary]")).to_contain_text(re.compile(r"uploading, .*[1-9].* left"))
    expect(page.locator("[data-uploads] progress").first).not_to_have_attribute("value", "0")
    look_at(page, "upload", width, theme)
    page.get_by_role("button", name=f"Cancel {file.name}").click()
    page.get_by_role("button", name=f"Cancel {second.name}").click()
