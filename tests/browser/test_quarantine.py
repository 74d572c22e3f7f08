"""A page that is open hears that its result went into quarantine, and that it came out of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.factories import capture_bytes
from tests.services.console import ROOT, Console, wait_until

Login = Callable[..., Page]
PUT = """
from trimming import quarantine
from trimming.models import TrimJob
run = TrimJob.objects.get(capture={capture!r}).published_run_id
quarantine.{what}
"""


def do(console: Console, capture: str, what: str) -> None:
    """Let another process put the result into quarantine, or release it."""
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c"),
            PUT.format(capture=capture, what=what),
        ],
        env=console.environ,
        check=True,
        capture_output=True,
    )


def test_open_pages_withdraw_the_download_and_offer_it_again(
    console: Console, sign_in: Login
) -> None:
    capture = console.upload("kept-back.pcap", capture_bytes(b"that may not go out"))
    wait_until(lambda: console.job_of(capture)[0] == "done", 60, "the result")
    page, listed = sign_in(), sign_in()
    page.goto(f"/captures/{capture}/")
    download = page.get_by_role("link", name="Download,")
    row = listed.locator(f'tr[data-capture="{capture}"]')
    expect(download).to_be_visible()
    expect(row.get_by_role("link", name="Download kept-back.pcap")).to_be_visible()
    do(console, str(capture), 'put([run], "A test keeps it back.")')
    expect(page.get_by_role("heading", name="The result is in quarantine")).to_be_visible()
    expect(page.get_by_text("A test keeps it back.")).to_be_visible()
    expect(download).to_have_count(0)
    expect(row.get_by_text("In quarantine")).to_be_visible()
    do(console, str(capture), 'release(run, reason="a test")')
    expect(download).to_be_visible()
    expect(row.get_by_role("link", name="Download kept-back.pcap")).to_be_visible()
