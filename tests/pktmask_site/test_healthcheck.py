"""The health check of containers."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.buckets import server_that

PATH = Path(__file__).parents[2] / "config" / "production" / "deploy" / "healthcheck.py"


@pytest.fixture(scope="module")
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("healthcheck", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_container_does_what_it_is_told_or_all(check: ModuleType) -> None:
    assert check.wanted({"PKTMASK_PARTS": "web, monitor"}) == ["web", "monitor"]
    assert check.wanted({"PKTMASK_PARTS": ""}) == ["web", "workers", "monitor"]


@pytest.mark.parametrize(
    ("answer", "is_well"),
    [(b"HTTP/1.1 200 OK\r\n\r\n", True), (b"HTTP/1.1 503 No\r\n\r\n", False), (b"", False)],
)
def test_the_web_server_is_asked_under_a_name_that_it_takes(
    check: ModuleType, answer: bytes, is_well: bool
) -> None:
    asked: list[bytes] = []

    def reply(connection: socket.socket) -> None:
        connection.sendall(answer)

    with server_that(reply, asked.append) as endpoint:
        environ = {
            "PORT": endpoint.rpartition(":")[2],
            "PKTMASK_ALLOWED_HOSTS": ".console.example, other",
        }
        assert check.web_answers(environ) is is_well
    assert asked[0].startswith(b"GET /healthz HTTP/1.1\r\n")
    assert b"\r\nHost: console.example\r\n" in asked[0]


def test_of_workers_and_monitor_a_process_must_be_there(check: ModuleType, tmp_path: Path) -> None:
    for number, line in enumerate([b"python\0/opt/manage.py\0workers\0", b"sh\0monitor\0"]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "cmdline").write_bytes(line)
    (tmp_path / "self").mkdir()
    (tmp_path / "7").mkdir()  # it ended
    running = list(check.commands(tmp_path))
    assert check.runs("workers", running)
    assert not check.runs("monitor", running)


def test_what_is_missing_is_named_with_an_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, str(PATH)],
        env={"PKTMASK_PARTS": "web", "PORT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "not at work: web\n")
