"""A log file has whole lines, whoever writes, and is made anew when it was moved away."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from pktmask_site.log_files import WholeLines


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("a", logging.INFO, "p", 1, text, None, None)


def test_lines_of_many_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    long = "x" * 70_000

    def write(number: int) -> None:
        handler = WholeLines(path)
        for _ in range(20):
            handler.emit(record(f"{number}{long}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = path.read_text().splitlines()
    assert len(found) == 80
    assert {len(line) for line in found} == {len(long) + 1}


def test_a_file_that_was_moved_away_is_made_anew_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    handler = WholeLines(path)
    handler.emit(record("one"))
    path.rename(tmp_path / "log.1.json")
    handler.emit(record("two \ud800"))
    assert path.read_text() == "two \\ud800\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[logging.LogRecord] = []
    handler = WholeLines(tmp_path / "gone" / "log.json")
    monkeypatch.setattr(handler, "handleError", told.append)
    handler.emit(record("one"))
    assert len(told) == 1
