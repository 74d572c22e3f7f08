"""Two services to walk through: one that is busy for two months, one on which nothing happened.

Only the web server runs, so that what is on the pages stays while they are looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from tests.browser.files import captures, real_captures
from tests.browser.walk.table import ON_BARE, ON_BUSY, Shown
from tests.services.console import ROOT, Console, wait_until

PASSWORD: Final = "a-password-for-tests"
ENVIRON: Final[Mapping[str, str]] = {
    "PKTMASK_WORKERS": "2",
    **{f"PKTMASK_ROUTING__PERMIT_{m}": "true" for m in ("COMPARISON", "AB_TEST", "SCANNING")},
    "PKTMASK_DRILLS__PERMITTED": "true",
    "PKTMASK_ADMIN_PASSWORD": PASSWORD,
    "PKTMASK_CONSOLE__PUBLIC_URL": "https://pktmask.example.org",
    "PKTMASK_EMAIL__ENABLED": "true",
    "PKTMASK_SLACK__ENABLED": "true",
    "PKTMASK_SLACK__TOKEN": "env:PKTMASK_NOT_THERE",
    "PKTMASK_SLACK__CHANNEL": "C0123",
}
BARE: Final = """
import json
from pktmask_site.first_start import make_first_administrator
from tests.browser.walk.data import session_of
make_first_administrator()
print(json.dumps({{"known": {{}}, "sessions": {{"admin": session_of("admin", {password!r})}}}}))
"""
BUSY: Final = "from tests.browser.walk.data import make; print(make({password!r}))"
KEEPING_ON: Final = "from tests.browser.walk.data import keep_on; keep_on()"


@dataclass(frozen=True)
class Walked:
    """A service with its pages; ``sessions`` are cookies, by who is signed in."""

    name: str
    url: str
    known: Mapping[str, Any]
    sessions: Mapping[str, str]

    def pages(self) -> Mapping[str, Shown]:
        """Return its pages by the names of their pictures."""
        return ON_BARE if self.name == "bare" else ON_BUSY


@contextmanager
def both(folder: Path) -> Iterator[tuple[Walked, Walked]]:
    """Serve both, with their data in ``folder``, until they were walked through."""
    with ExitStack() as stack:
        yield stack.enter_context(busy(folder)), stack.enter_context(bare(folder))


@contextmanager
def busy(folder: Path) -> Iterator[Walked]:
    """Serve the busy one; captures on it were trimmed."""
    console = Console(folder / "busy", ENVIRON)
    (folder / "busy").mkdir()
    try:
        console.start()
        files = real_captures() + captures(folder / "captures")
        ids = [console.upload(each.name, each.read_bytes()) for each in files]
        wait_until(lambda: all(console.job_of(each)[0] == "done" for each in ids), 300)
        console.stop()
    except BaseException:
        console.kill_everything()
        raise
    with _served("busy", console, BUSY) as walked, _running(console, KEEPING_ON):
        yield walked


@contextmanager
def bare(folder: Path) -> Iterator[Walked]:
    """Serve the one on which nothing happened."""
    console = Console(folder / "bare", ENVIRON)
    console.prepare()
    with _served("bare", console, BARE) as walked:
        yield walked


@contextmanager
def _served(name: str, console: Console, program: str) -> Iterator[Walked]:
    told = json.loads(_tell(console, program.format(password=PASSWORD)).splitlines()[-1])
    server = console.command("web", "--port", str(console.port))
    try:
        wait_until(lambda: _answers(console.url), 120, "the web server")
        yield Walked(name, console.url, told["known"], told["sessions"])
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def _running(console: Console, program: str) -> Iterator[None]:
    process = console.command("shell", "-v", "0", "-c", program)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _tell(console: Console, program: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", program],
        env=console.environ,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


def _answers(url: str) -> bool:
    try:
        return bool(urlopen(f"{url}/sign-in/", timeout=30).status == 200)
    except OSError:
        return False
