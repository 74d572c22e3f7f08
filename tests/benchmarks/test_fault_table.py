"""The table of what faults were like."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import faults

ROW = {"lasted_s": 2.0, "refused": 0, "normal_after_s": 1.5, "whole_after_s": 4.0, "accepted": 9}


def test_of_faults_that_were_given_often_the_median_and_the_largest_stand_in_the_table(
    tmp_path: Path,
) -> None:
    rows = [
        {"fault": "a worker is killed", **ROW},
        {"fault": "a worker is killed", **ROW, "normal_after_s": 2.5},
        {"fault": "a worker is killed", **ROW, "normal_after_s": 9.0},
        {"fault": "Redis hangs", **ROW, "refused": 3},
    ]
    (tmp_path / "faults.jsonl").write_text("\n".join(map(json.dumps, rows)))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{faults.START}\nold\n{faults.END}\nafter\n")
    assert faults.main([str(tmp_path / "faults.jsonl"), "--into", str(page)]) == 0
    text = page.read_text()
    assert "| a worker is killed | 3 | 2 s | 0 | 2.5, at most 9 s | 4 s |" in text
    assert "| Redis hangs | 1 | 2 s | 3 | 1.5 s | 4 s |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
