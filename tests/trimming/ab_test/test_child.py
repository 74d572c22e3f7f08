"""The process that does one task, called here without a process."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.factories import capture_bytes
from trimming.ab_test import child, meter
from trimming.engine.options import PROFILES

EXTRA = {"scanning": "tests.trimming.ab_test.strategies:Obedient"}


def task(folder: Path, body: bytes = b"a body that must go", **changes: Any) -> dict[str, Any]:
    source = folder / "source"
    source.write_bytes(capture_bytes(body))
    return {
        "task": "trim",
        "source": str(source),
        "target": str(folder / "output"),
        "folder": str(folder),
        "profile": asdict(PROFILES["standard"]),
        "strategy": "scanning",
        "strategies": ["legacy", "scanning"],
        "extra": EXTRA,
        **changes,
    }


def test_a_capture_is_trimmed_verified_and_measured_and_nothing_is_left(tmp_path: Path) -> None:
    found = child.do(task(tmp_path))
    assert (found["outcome"], found["reason"], found["version"]) == ("succeeded", "", "0.7")
    assert found["masked_bytes"] == len(b"a body that must go")
    assert found["bytes_by_class"]["body"] == found["masked_bytes"]
    assert found["seconds"] > 0
    assert found["cpu_seconds"] > 0
    assert found["peak_memory_bytes"] >= found["start_memory_bytes"] > 0
    trimmed = capture_bytes(bytes(len(b"a body that must go")))
    assert found["output_sha256"] == sha256(trimmed).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_crash_is_told_by_its_kind_and_place_and_never_by_its_text(tmp_path: Path) -> None:
    found = child.do(task(tmp_path, b"please crash, the secret"))
    assert found["outcome"] == "strategy_failure"
    assert found["reason"].startswith("ValueError at strategies.py:")
    assert "secret" not in str(found)


def test_a_leak_fails_its_verification_and_still_has_a_plan(tmp_path: Path) -> None:
    found = child.do(task(tmp_path, b"please leak, the secret"))
    assert (found["outcome"], found["verified"]) == ("strategy_failure", False)
    assert found["reason"].startswith("the output failed its verification")
    assert str(tmp_path) not in found["reason"]
    assert "secret" not in str(found)


def test_what_leaks_is_counted_by_comparing_plans(tmp_path: Path) -> None:
    body = b"please leak, the secret"
    found = child.do(task(tmp_path, body, task="compare"))
    assert found["outcome"] == "succeeded"
    assert found["leaked_bytes"] == len(body)
    assert found["over_masked_bytes"] == 0
    assert not found["equal"]
    assert {"classes": ["body", None], "ranges": 1, "bytes": len(body)} in found["mismatched"]


def test_an_input_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    asked = task(tmp_path)
    source = Path(asked["source"])
    source.write_bytes(source.read_bytes()[:30])
    found = child.do(asked)
    assert found["outcome"] == "refused_input"
    assert found["reason"].startswith("byte 24: expected at least one whole packet")


def test_a_disk_that_fails_is_not_the_strategys_fault(tmp_path: Path) -> None:
    found = child.do(task(tmp_path, target=str(tmp_path / "missing" / "output")))
    assert found["outcome"] == "infrastructure"
    assert "does not exist" in found["reason"]
    assert str(tmp_path) not in found["reason"]


def test_a_fault_of_the_system_is_told_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(task: child.Task) -> child.Answer:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(child.TASKS, "trim", refuse)
    assert child.do(task(tmp_path)) == {
        "outcome": "infrastructure",
        "reason": "No space left on device",
    }


def test_memory_is_told_where_there_is_no_proc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "STATUS", tmp_path / "missing")
    monkeypatch.setattr(meter, "CLEAR_REFS", tmp_path / "missing" / "too")
    meter.forget_peak()
    assert meter.peak_memory_bytes() > 1 << 20


def test_a_meter_that_was_never_read_has_measured_nothing() -> None:
    unread = meter.Meter()
    assert unread.seconds == unread.cpu_seconds == 0
