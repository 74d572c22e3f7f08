import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.subjects import SUBJECTS, Variant

_COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2]); print('{\"duration_ms\": 5}')"
_MASK = _COPY.replace("sys.argv[1]", "sys.argv[1].replace('.pcap', '.expected.pcap')")
_PROGRAMS = {"right": _MASK, "copying": _COPY, "peer": _COPY, "failing": "raise SystemExit(3)"}


@pytest.fixture
def fake_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject that knows the answer, one that copies, a peer that copies, and one that fails."""
    begin, end = ("{python}", "-c"), ("{input}", "{output}")
    variants = tuple(
        Variant(
            label,
            (*begin, program.replace("{", "{{").replace("}", "}}"), *end),
            masks=label != "peer",
        )
        for label, program in _PROGRAMS.items()
    )
    monkeypatch.setitem(SUBJECTS, "fake", variants)


@pytest.mark.usefixtures("fake_subject")
def test_outputs_are_judged_and_the_result_names_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result_path = tmp_path / "result.json"
    arguments = ["fake", "--size", "400kB", "--json", str(result_path), "--dir", str(tmp_path)]
    assert measure.main(arguments) == 1
    text = result_path.read_text()
    runs = json.loads(text)["runs"]
    small, large = runs[:4], runs[4:]
    for right, copying, peer, failing in (small, large):
        assert right["correct"] is True
        assert right["report"] == {"duration_ms": 5}
        assert copying["correct"] is False
        assert copying["first_difference_offset"] > 24
        assert peer["correct"] is None
        assert (failing["exit_code"], failing["correct"]) == (3, False)
    assert small[0]["input_bytes"] < large[0]["input_bytes"]
    table = capsys.readouterr().out
    assert "failed, exit code 3" in table
    assert "differs at offset" in table
    for place in (str(tmp_path), sys.prefix):
        assert place not in text
        assert place not in table


def test_a_measuring_without_failures_succeeds_and_is_drawn(tmp_path: Path) -> None:
    arguments = ["cp", "--connections", "30", "--dir", str(tmp_path)]
    assert measure.main([*arguments, "--pictures", str(tmp_path / "pictures")]) == 0
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [
        "cost-against-connections.svg"
    ]


def test_an_unknown_subject_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        measure.main(["abacus"])
    assert "abacus" in capsys.readouterr().err


def test_measuring_loads_neither_numpy_nor_matplotlib() -> None:
    program = (
        "import sys, benchmarks.measure; sys.exit(bool({'numpy', 'matplotlib'} & {*sys.modules}))"
    )
    project = Path(measure.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", program], cwd=project, check=False).returncode == 0
