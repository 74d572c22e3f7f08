"""A real web process and clients that misbehave.  What is refused or cut leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.captures import pcap
from tests.pktmask_site.web_process import Web, read_answer, wait_until, web_process

pytestmark = pytest.mark.slow
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with web_process(tmp_path_factory.mktemp("data")) as running:
        yield running


def send_until_closed(client: socket.socket, count: int, watch: Web) -> int:
    """Send ``count`` MiB of zeros, as far as the server lets; return the bytes that were sent."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        for _ in range(count):
            client.sendall(bytes(MEBIBYTE))
            sent += MEBIBYTE
            assert not watch.open_files()
            assert not watch.incoming
    return sent


def capture_of(size: int) -> bytes:
    """Return a capture of about ``size`` bytes."""
    return pcap([bytes(1400)] * (size // 1416))


def test_an_upload_is_kept_and_the_folder_of_uploads_is_empty_again(web: Web) -> None:
    data = capture_of(3 * MEBIBYTE)
    answer = web.upload([data], len(data))
    assert answer.status == 200, answer.body
    (accepted,) = answer.json()["accepted"]
    assert accepted["name"] == "edge.pcap"
    assert [path.read_bytes() == data for path in web.originals] == [True]
    wait_until(lambda: not web.open_files() and not web.incoming, "the end of the request")


def test_an_anonymous_post_of_64_mebibytes_writes_nothing(web: Web) -> None:
    before = web.originals
    with web.connect() as client:
        client.sendall(web.head(64 * MEBIBYTE, signed_in=False))
        send_until_closed(client, 64, web)
        answer = read_answer(client)
    assert answer.status == 403
    assert "Sign in" in answer.json()["refused"][0]["reason"]
    assert web.originals == before


def test_the_answer_comes_while_the_client_still_sends(web: Web) -> None:
    with web.connect() as client:
        client.sendall(web.head(64 * MEBIBYTE, signed_in=False) + bytes(1000))
        assert read_answer(client).status == 403


def test_a_client_that_sends_without_end_is_cut(web: Web) -> None:
    with web.connect() as client:
        client.sendall(web.head(1 << 40, signed_in=False))
        assert send_until_closed(client, 256, web) < 128 * MEBIBYTE


def test_a_client_that_waits_for_leave_gets_the_refusal_instead(web: Web) -> None:
    with web.connect() as client:
        client.sendall(web.head(64 * MEBIBYTE, signed_in=False, extra="Expect: 100-continue\r\n"))
        first = client.recv(1 << 16)
    assert first.startswith(b"HTTP/1.1 403")


def test_a_client_that_waits_for_leave_gets_it(web: Web) -> None:
    data = capture_of(1000)
    before, behind = web.form("waited.pcap")
    with web.connect() as client:
        length = len(before) + len(data) + len(behind)
        client.sendall(web.head(length, extra="Expect: 100-continue\r\n"))
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 100")
        client.sendall(before + data + behind)
        assert read_answer(client).status == 200


def test_a_file_over_the_limit_is_refused_by_its_length(web: Web) -> None:
    with web.connect() as client:
        client.sendall(web.head(9_000_000_000))
        answer = read_answer(client)
    assert answer.status == 413
    assert "at most" in answer.json()["refused"][0]["reason"]


def test_a_connection_that_is_cut_in_mid_upload_leaves_nothing(web: Web) -> None:
    before, _ = web.form()
    stored = web.originals
    with web.connect() as client:
        client.sendall(web.head(64 * MEBIBYTE) + before + capture_of(8 * MEBIBYTE))
        wait_until(lambda: bool(web.open_files()), "the body on disk")
    wait_until(lambda: not web.open_files(), "the end of the request")
    assert not web.incoming
    assert web.originals == stored
    assert web.get("/sign-in/").status == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a file system of 64 MiB; skips where none may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_in_mid_upload_is_said_and_nothing_is_left(small_disk: Path) -> None:
    with web_process(small_disk, reserve_bytes=0) as web:
        data = capture_of(24 * MEBIBYTE)
        before, behind = web.form()
        length = len(before) + len(data) + len(behind)
        with web.connect() as client:
            client.sendall(web.head(length) + before + data[: 8 * MEBIBYTE])
            wait_until(lambda: bool(web.open_files()), "the body on disk")
            filler = small_disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb") as file:
                while True:
                    file.write(bytes(MEBIBYTE))
                    file.flush()
            client.sendall(data[8 * MEBIBYTE :] + behind)
            answer = read_answer(client)
        assert answer.status == 507
        assert "disk became full" in answer.json()["refused"][0]["reason"]
        wait_until(lambda: not web.open_files(), "the end of the request")
        assert not web.incoming
        assert not web.originals
        filler.unlink()
        assert web.upload([data], len(data)).status == 200


def test_a_disk_without_room_for_an_upload_is_said_before_it_is_sent(small_disk: Path) -> None:
    with web_process(small_disk) as web, web.connect() as client:
        # the reserve of 256 MiB alone is more than the disk
        client.sendall(web.head(1000))
        answer = read_answer(client)
        assert answer.status == 507
        assert "free space" in answer.json()["refused"][0]["reason"]


def test_a_killed_process_leaves_nothing_of_a_body(tmp_path: Path) -> None:
    with web_process(tmp_path) as web:
        before, _ = web.form()
        with web.connect() as client:
            client.sendall(web.head(64 * MEBIBYTE) + before + capture_of(8 * MEBIBYTE))
            wait_until(lambda: bool(web.open_files()), "the body on disk")
            web.process.kill()
            web.process.wait()
    # the body had no name, so it went with the process
    assert not web.incoming
