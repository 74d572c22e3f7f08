import json
from pathlib import Path

import pytest

from benchmarks.generator import main
from tests.benchmarks.reading import read_records


def test_the_command_writes_both_files_and_prints_the_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture, expected = tmp_path / "capture.pcap", tmp_path / "expected.pcap"
    arguments = [str(capture), "--expected", str(expected), "--seed", "5"]
    assert main([*arguments, "--dataset", "single-packet", "--connections", "50"]) == 0
    assert json.loads(capsys.readouterr().out)["packets"] == 50
    assert len(read_records(capture)) == len(read_records(expected)) == 50
    assert main([*arguments, "--size", "100kB"]) == 0
    assert json.loads(capsys.readouterr().out)["captured_bytes"] == capture.stat().st_size


def test_a_size_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path / "c"), "--expected", str(tmp_path / "e"), "--size", "much"])
    assert "--size" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
