"""From an upload to a verified download, the way a person goes it."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.files import (
    ORACLE,
    SECRET,
    big_capture,
    captures,
    conversation,
    real_captures,
    verdict,
)
from tests.captures import pcap
from tests.services.console import Console, wait_until
from trimming.archive_names import result_name

Login = Callable[..., Page]
DONE_MS = 60_000


def choose(page: Page, *files: Path) -> None:
    """Choose files in the upload form."""
    page.locator("input[name=files]").set_input_files(list(files))


def row(page: Page, name: str) -> Locator:
    """Return the row of a capture."""
    return page.locator("tr[data-capture]").filter(
        has=page.get_by_role("link", name=name, exact=True)
    )


def entry(page: Page, name: str) -> Locator:
    """Return the entry of a file in the list of uploads."""
    return page.locator("[data-uploads] > li").filter(has_text=name)


def load_without(page: Page, script: str) -> Callable[[], None]:
    """Load the page anew; one script of it comes when the returned function is called."""
    held: list[Route] = []
    page.route(re.compile(rf"/js/{script}\b"), lambda route: held.append(route))
    with page.expect_request(re.compile(rf"/js/{script}\b")):
        page.reload(wait_until="commit")
    page.get_by_role("heading", name="Captures", level=1).wait_for()
    return lambda: held[0].continue_()


def download(page: Page, name: str, folder: Path) -> Path:
    """Download a result through its row and return where it is."""
    with page.expect_download() as begun:
        page.get_by_role("link", name=f"Download {name}", exact=True).click()
    target = folder / begun.value.suggested_filename
    begun.value.save_as(target)
    return target


def test_three_captures_are_uploaded_at_once_watched_and_downloaded_without_their_bodies(
    sign_in: Login, tmp_path: Path
) -> None:
    page = sign_in()
    files = captures(tmp_path / "in", first=10)
    choose(page, *files)
    for file in files:
        expect(entry(page, file.name)).to_contain_text("Uploaded")
        # nobody loads the page again: the row comes, and changes, by itself
        expect(row(page, file.name)).to_contain_text("Done", timeout=DONE_MS)
    for file in files:
        got = download(page, file.name, tmp_path)
        assert got.name == result_name(file.name, file.suffix == ".pcapng")
        assert got.stat().st_size == file.stat().st_size
        assert SECRET in file.read_bytes()
        assert SECRET not in got.read_bytes()


def test_several_results_are_downloaded_as_one_archive(sign_in: Login, tmp_path: Path) -> None:
    page = sign_in()
    files = captures(tmp_path / "in", first=20)
    choose(page, *files)
    for file in files:
        expect(row(page, file.name)).to_contain_text("Done", timeout=DONE_MS)
        row(page, file.name).get_by_role("checkbox").check()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download selected").click()
    begun.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            result_name(file.name, file.suffix == ".pcapng") for file in files
        }


def test_a_file_that_is_chosen_before_the_page_is_ready_is_uploaded_all_the_same(
    sign_in: Login, tmp_path: Path
) -> None:
    file = captures(tmp_path / "in", first=30)[0]
    page = sign_in()
    release = load_without(page, "upload")
    choose(page, file)
    release()
    expect(entry(page, file.name)).to_contain_text("Uploaded")
    expect(row(page, file.name)).to_contain_text("Done", timeout=DONE_MS)


def test_a_capture_that_came_before_the_page_was_ready_is_shown_all_the_same(
    sign_in: Login, tmp_path: Path, console: Console
) -> None:
    file = big_capture(tmp_path, 6_000_000, seed=6)
    page = sign_in()
    release = load_without(page, "captures")
    console.upload("between.pcap", file.read_bytes())
    release()
    expect(row(page, "between.pcap")).to_contain_text("Done", timeout=DONE_MS)


@pytest.mark.skipif(not real_captures(), reason="the captures are not here")
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_real_captures_pass_the_oracle_after_the_whole_way(sign_in: Login, tmp_path: Path) -> None:
    assert ORACLE.exists()
    page = sign_in()
    choose(page, *real_captures())
    for file in real_captures():
        expect(row(page, file.name)).to_contain_text("Done", timeout=DONE_MS)
        found = verdict(file, download(page, file.name, tmp_path))
        assert found["reasons"] == []


def test_a_file_that_is_no_capture_is_refused_in_words_and_others_go_through(
    sign_in: Login, tmp_path: Path, console: Console, complaints: list[str]
) -> None:
    good, bad = tmp_path / "good-one.pcap", tmp_path / "notes.pcap"
    good.write_bytes(pcap(conversation(50)))
    bad.write_bytes(b"PK\x03\x04 rather a document")
    page = sign_in()
    choose(page, good, bad)
    expect(entry(page, good.name)).to_contain_text("Uploaded")
    expect(entry(page, bad.name)).to_contain_text("Refused")
    expect(entry(page, bad.name)).to_contain_text("a ZIP archive; unpack it first")
    expect(entry(page, bad.name)).to_contain_text("Nothing was stored")
    expect(row(page, good.name)).to_be_visible()
    expect(row(page, bad.name)).to_have_count(0)
    assert not console.rows("SELECT 1 FROM trimming_capture WHERE name = ?", bad.name)
    # the browser notes an answer of 422 as an error
    complaints[:] = [said for said in complaints if "422" not in said]


def test_an_upload_that_is_cancelled_leaves_nothing(
    sign_in: Login, tmp_path: Path, console: Console
) -> None:
    file = big_capture(tmp_path, 4_000_000, seed=3)
    page = sign_in()
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 200_000},
    )
    choose(page, file)
    expect(entry(page, file.name).locator("progress")).to_have_attribute(
        "aria-label", re.compile(r"[1-9]\d? %")
    )
    page.get_by_role("button", name=f"Cancel {file.name}").click()
    expect(page.locator("[data-said]")).to_contain_text("Nothing was stored")
    expect(entry(page, file.name)).to_have_count(0)
    incoming = console.data_dir / "incoming"
    wait_until(lambda: not list(incoming.iterdir()), 20, "the cut upload to vanish")
    assert not console.rows("SELECT 1 FROM trimming_capture WHERE name = ?", file.name)


def test_a_running_job_is_cancelled_from_its_row(
    sign_in: Login, tmp_path: Path, console: Console
) -> None:
    file = big_capture(tmp_path, 12_000_000, seed=4).rename(tmp_path / "to-cancel.pcap")
    page = sign_in()
    choose(page, file)
    expect(row(page, file.name)).to_contain_text(re.compile(r"Running [1-9]\d? %"), timeout=DONE_MS)
    page.get_by_role("button", name=f"Cancel {file.name}").click()
    expect(row(page, file.name)).to_contain_text("Cancelled", timeout=DONE_MS)
    expect(page.get_by_role("button", name=f"Retry {file.name}")).to_be_visible()
    assert not list((console.data_dir / "work").iterdir())


def test_a_page_that_lost_its_connection_shows_what_happened_meanwhile(
    sign_in: Login, tmp_path: Path, console: Console, complaints: list[str]
) -> None:
    file = big_capture(tmp_path, 6_000_000, seed=5).rename(tmp_path / "meanwhile.pcap")
    page = sign_in()
    choose(page, file)
    expect(row(page, file.name)).to_contain_text("Running", timeout=DONE_MS)
    console.children()["web"][0].kill()
    expect(page.locator("[data-live]")).to_contain_text("Connecting again")
    expect(row(page, file.name)).to_contain_text("Done", timeout=DONE_MS)
    expect(page.locator("[data-live]")).to_contain_text("Live")
    expect(page.locator("[data-lost]:visible")).to_have_count(0)
    # that nobody answered is what the test is about
    complaints[:] = [said for said in complaints if "ERR_" not in said and "WebSocket" not in said]
