"""What a synced commit costs is measured on real databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.commits import MODES, main


def test_both_ways_to_commit_are_measured_in_turns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([f"--folder={tmp_path}", "--writers=1", "--seconds=0", "--rounds=1"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(MODES)
    assert list(tmp_path.iterdir()) == []
