"""The process of a look: what it answers, and what it says when it cannot."""

from __future__ import annotations

import io
import json
import resource
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.factories import capture_bytes
from trimming.engine.options import PROFILES
from trimming.looking import child
from trimming.looking.words import LookedAt, Messages, Trouble, read_answer
from trimming.profiles import as_mapping


@pytest.fixture
def task(tmp_path: Path) -> dict[str, Any]:
    for name in ("original", "result"):
        (tmp_path / name).write_bytes(capture_bytes())
    return {
        "folder": str(tmp_path),
        "look": "messages",
        "packet": 1,
        "start": 0,
        "most": 25,
        "profile": as_mapping(PROFILES["standard"]),
        "is_small": False,
        "max_unpacked_bytes": 1 << 20,
    }


def answered(task: dict[str, Any]) -> Messages | LookedAt | Trouble:
    """What this process would answer, were it confined."""
    confined: list[Path] = []
    answer = child.do(task, lambda folder, kept: confined.append(folder))
    assert confined == [Path(task["folder"])]
    return read_answer(json.dumps(answer).encode())


def test_messages_and_packets_are_answered(task: dict[str, Any]) -> None:
    found = answered(task)
    assert isinstance(found, Messages)
    assert [each.start for each in found.messages] == ["GET / HTTP/1.1", "HTTP/1.1 200 OK"]
    looked = answered({**task, "look": "packet", "most": 2048})
    assert isinstance(looked, LookedAt)
    assert looked.after is not None
    (Path(task["folder"]) / "result").unlink()
    alone = answered({**task, "look": "packet", "most": 2048})
    assert isinstance(alone, LookedAt)
    assert alone.after is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"look": "packet", "packet": 99}, "no-packet"),
        ({"look": "strange"}, "failed"),
    ],
)
def test_what_cannot_be_done_is_a_word(
    task: dict[str, Any], change: dict[str, Any], problem: str
) -> None:
    assert answered({**task, **change}) == Trouble(problem=problem)  # type: ignore[arg-type]  # any str to mypy


def test_a_file_that_cannot_be_read_is_a_word(task: dict[str, Any]) -> None:
    (Path(task["folder"]) / "result").write_bytes(b"no capture at all")
    assert answered(task) == Trouble(problem="damaged")


def test_too_little_memory_is_a_word(task: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(child, "LOOKS", {"messages": greedy})
    assert answered(task) == Trouble(problem="too-much")


def test_it_reads_one_task_and_writes_one_answer_within_limits(
    task: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    limits: list[int] = []
    calls: list[str] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, most: limits.append(which))
    monkeypatch.setattr("os.setpriority", lambda *_: calls.append("nice"))
    monkeypatch.setattr(child, "die_with_parent", lambda: calls.append("bound"))
    monkeypatch.setattr(child, "interpret", lambda: calls.append("small"))
    monkeypatch.setattr(child, "confine", lambda folder, kept: calls.append("confined"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({**task, "is_small": True})))
    child.main()
    assert json.loads(capsys.readouterr().out)["messages"]
    assert limits == [resource.RLIMIT_AS, resource.RLIMIT_CPU]
    assert calls == ["nice", "bound", "small", "confined"]
