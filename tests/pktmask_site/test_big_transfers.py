"""The figures of large uploads: memory of the web process, and other pages meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.captures import ethernet, ipv4, udp
from tests.pktmask_site.web_process import Web, read_answer, wait_until, web_process

pytestmark = pytest.mark.long
GIBIBYTE = 1 << 30
MAX_RSS_BYTES = 200 << 20
MAX_PAGE_SECONDS = 0.5


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with web_process(tmp_path) as running:
        yield running
    shutil.rmtree(tmp_path / "files", ignore_errors=True)


@dataclass
class Watch:
    """Asks for another page all the time, and looks at the memory of the process."""

    web: Web
    page_seconds: list[float] = field(default_factory=list)
    rss_bytes: list[int] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)
    wrote: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Watch:
        self._threads = [threading.Thread(target=run) for run in (self._ask, self._look)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.03):
            started = time.perf_counter()
            self.statuses.add(self.web.get("/sign-in/").status)
            self.page_seconds.append(time.perf_counter() - started)

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            self.rss_bytes.append(self.web.process.memory_info().rss)
            self.wrote |= bool(self.web.open_files() or self.web.incoming)

    def report(self) -> str:
        """Return the figures as a line."""
        return (
            f"peak {max(self.rss_bytes) / (1 << 20):.0f} MiB, slowest of "
            f"{len(self.page_seconds)} pages {max(self.page_seconds) * 1000:.0f} ms"
        )


def large_capture() -> tuple[list[bytes], int]:
    """Return a capture of about 1 GiB in pieces, and its length in bytes."""
    frame = ethernet(ipv4(udp(bytes(range(256)) * 5)))
    record = struct.pack("<IIII", 1_700_000_000, 0, len(frame), len(frame)) + frame
    block = record * 700
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    pieces = [head, *[block] * (GIBIBYTE // len(block) + 1)]
    return pieces, sum(map(len, pieces))


def test_an_upload_of_one_gibibyte_is_kept_and_holds_up_nobody(
    web: Web,
) -> None:
    pieces, length = large_capture()
    web.get("/sign-in/")
    started = time.perf_counter()
    with Watch(web) as watch:
        answer = web.upload(pieces, length)
    print(f"{time.perf_counter() - started:.1f} s, {watch.report()}")  # noqa: T201 - the figures
    assert answer.status == 200, answer.body
    assert [path.stat().st_size for path in web.originals] == [length]
    assert watch.statuses == {200}
    assert max(watch.rss_bytes) < MAX_RSS_BYTES
    assert max(watch.page_seconds) < MAX_PAGE_SECONDS
    wait_until(lambda: not web.incoming and not web.open_files(), "the end of the request")


def test_an_anonymous_post_of_one_gibibyte_writes_nothing(web: Web) -> None:
    pieces, length = large_capture()
    web.get("/sign-in/")
    with Watch(web) as watch, web.connect() as client:
        client.sendall(web.head(length, signed_in=False))
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                client.sendall(piece)
        answer = read_answer(client)
    assert answer.status == 403
    assert not watch.wrote
    assert not web.originals
    assert max(watch.rss_bytes) < MAX_RSS_BYTES
    assert max(watch.page_seconds) < MAX_PAGE_SECONDS
