"""Having a process look: its files, its limits, and what is said when it does not answer."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from tests.factories import capture_bytes, make_capture, make_user
from trimming.engine.options import PROFILES
from trimming.files import work_root
from trimming.looking import asking
from trimming.looking.asking import LookError, Why, look
from trimming.looking.words import LookedAt, Messages
from trimming.models import Capture
from trimming.profiles import as_mapping

pytestmark = pytest.mark.django_db
MESSAGES = {
    "look": "messages",
    "packet": 1,
    "most": 25,
    "profile": as_mapping(PROFILES["standard"]),
    "is_packed": False,
}
Ask = Callable[..., Messages | LookedAt]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Settings) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT = tmp_path / "work"


@pytest.fixture
def capture() -> Capture:
    owner: User = make_user()
    return make_capture(owner)


@pytest.fixture
def ask(capture: Capture) -> Ask:
    """Ask a process that runs some code."""

    def ask(code: str, **more: Any) -> Messages | LookedAt:
        command = (sys.executable, "-c", code)
        return look(MESSAGES, {"result": capture.original}, command=command, **more)

    return ask


def why(ask: Ask, code: str, **more: Any) -> Why:
    """Why a process that runs some code shows nothing; nothing of it is left."""
    with pytest.raises(LookError) as caught:
        ask(code, **more)
    assert list(work_root().iterdir()) == []
    return caught.value.why


@pytest.mark.slow
def test_a_real_process_looks_without_network_and_leaves_nothing(capture: Capture) -> None:
    found = look(MESSAGES, {"result": capture.original}, seconds=120)
    assert isinstance(found, Messages)
    assert [each.start for each in found.messages] == ["GET / HTTP/1.1", "HTTP/1.1 200 OK"]
    task = {**MESSAGES, "look": "packet", "start": 0, "most": 2048, "packet": 2}
    files = {"original": capture.original, "result": capture.original}
    looked = look(task, files, seconds=120)
    assert isinstance(looked, LookedAt)
    assert looked.before == looked.after
    assert list(work_root().iterdir()) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("", Why.FAILED),
        ("raise SystemExit(3)", Why.FAILED),
        ('print(\'{"messages": "payload"}\')', Why.FAILED),
        ("import os; os.abort()", Why.FAILED),
        ("import sys; sys.stdout.write('x' * (5 << 20))", Why.FAILED),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", Why.LATE),
        ('print(\'{"problem": "no-packet"}\')', Why.NO_PACKET),
        ('print(\'{"problem": "damaged"}\')', Why.DAMAGED),
        ('print(\'{"problem": "too-much"}\')', Why.TOO_MUCH),
    ],
)
def test_each_end_without_an_answer_has_its_reason(ask: Ask, code: str, expected: Why) -> None:
    assert why(ask, code) == expected


def test_a_process_that_hangs_is_ended(ask: Ask) -> None:
    assert why(ask, "import signal; signal.pause()", seconds=0.2) is Why.LATE
    silent = "import os, signal; os.close(1); signal.pause()"
    assert why(ask, silent, seconds=2) is Why.LATE


def test_it_knows_no_secret_and_its_words_on_standard_error_go_nowhere(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PKTMASK_SECRET_KEY", "a secret")
    code = (
        "import os, sys; sys.stderr.write('payload');"
        "print('{\"problem\": \"%s\"}' % ('failed' if 'PKTMASK_SECRET_KEY' in os.environ"
        " else 'no-packet'))"
    )
    assert why(ask, code) is Why.NO_PACKET
    assert "payload" not in capfd.readouterr().err


def test_a_file_that_is_too_large_or_not_there_is_said(
    ask: Ask, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MAX_FILE_BYTES", len(capture_bytes()) // 2)
    assert why(ask, "") is Why.LARGE
    capture.original.storage.delete(str(capture.original.name))
    assert why(ask, "") is Why.UNREACHED


def test_only_some_look_at_a_time(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "TURN_SECONDS", 0.01)
    work_root()
    with asking._turn(), asking._turn():
        assert why(ask, "") is Why.BUSY
    assert why(ask, "") is Why.FAILED


def test_what_a_killed_look_left_is_removed_by_a_later_one(ask: Ask) -> None:
    old, new = (work_root() / f"{asking.FOLDER}{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir()
    before = time.time() - asking.LEFT_AFTER_SECONDS - 60
    os.utime(old, (before, before))
    with pytest.raises(LookError):
        ask("")
    assert [path.name for path in work_root().iterdir()] == [new.name]
