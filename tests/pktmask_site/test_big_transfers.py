"""The figures of large transfers: memory of the web process, and other pages meanwhile."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.captures import ethernet, ipv4, udp
from tests.pktmask_site.web_process import ROOT, Web, read_answer, wait_until, web_process

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


# gives the only capture a result as large as itself, without a worker
PUBLISH = """
import django
django.setup()
from django.core.files import File
from trimming.jobs import claim, publish
from trimming.models import TrimJob, output_path
run = claim(TrimJob.objects.get().pk, "test/1")
original = run.job.capture.original
with original.open() as file:
    stored = original.storage.save(output_path(run), file)
assert publish(run, output=stored, output_bytes=run.input_bytes)
"""


@pytest.mark.parametrize("way", ["single", "archive"])
def test_a_download_of_one_gibibyte_holds_up_nobody(web: Web, way: str) -> None:
    pieces, length = large_capture()
    capture_id = web.upload(pieces, length).json()["accepted"][0]["capture"]
    subprocess.run([sys.executable, "-c", PUBLISH], cwd=ROOT, env=web.process.environ(), check=True)
    started = time.perf_counter()
    with Watch(web) as watch, web.connect() as client:
        client.sendall(download_request(web, way, capture_id))
        received = count_received(client)
    print(f"{way}: {time.perf_counter() - started:.1f} s, {watch.report()}")  # noqa: T201 - the figures
    assert received >= length
    assert watch.statuses == {200}
    assert max(watch.rss_bytes) < MAX_RSS_BYTES
    assert max(watch.page_seconds) < MAX_PAGE_SECONDS


def download_request(web: Web, way: str, capture_id: str) -> bytes:
    """Return the request for one result, or for an archive of it."""
    fields = (
        f"Host: 127.0.0.1\r\nCookie: sessionid={web.session}; csrftoken={web.csrf}\r\n"
        f"X-CSRFToken: {web.csrf}\r\nConnection: close\r\n"
    )
    if way == "single":
        return f"GET /captures/{capture_id}/download/ HTTP/1.1\r\n{fields}\r\n".encode()
    form = f"ids={capture_id}"
    kind = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form)}\r\n"
    return f"POST /captures/archive/ HTTP/1.1\r\n{fields}{kind}\r\n{form}".encode()


def count_received(client: socket.socket) -> int:
    """Read to the end of the connection and return the number of bytes."""
    received = 0
    while piece := client.recv(1 << 18):
        received += len(piece)
    return received


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
