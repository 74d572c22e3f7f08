import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.machine import describe_machine
from benchmarks.subjects import SUBJECTS, Variant

_COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2]); print('{\"duration_ms\": 5}')"
_MASK = _COPY.replace("sys.argv[1]", "sys.argv[1].replace('.pcap', '.expected.pcap')")


@pytest.fixture
def fake_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    """A subject that knows the answer, one that copies, a peer that copies, and one that fails."""
    begin, end = ("{python}", "-c"), ("{input}", "{output}")
    programs = {"right": _MASK, "copying": _COPY, "peer": _COPY, "failing": "raise SystemExit(3)"}
    variants = tuple(
        Variant(
            label,
            (*begin, program.replace("{", "{{").replace("}", "}}"), *end),
            masks=label != "peer",
        )
        for label, program in programs.items()
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
    assert str(tmp_path) not in text
    assert sys.prefix not in text
    table = capsys.readouterr().out
    assert "failed, exit code 3" in table
    assert "differs at offset" in table


# Linux counts what the process held before it became the command, so a small one has to measure
_MEASURE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from benchmarks.processes import run_measured
program = "import sys; data = bytearray(150 * 2**20); sys.stdout.write('done'); sys.exit(4)"
print(json.dumps(asdict(run_measured([sys.executable, "-c", program], Path(sys.argv[1])))))
"""


def test_resources_are_those_of_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path)], check=True, capture_output=True
    )
    usage = json.loads(done.stdout)
    assert (usage["exit_code"], usage["output"]) == (4, "done")
    assert 150 * 2**20 < usage["peak_rss_bytes"] < 250 * 2**20
    assert usage["cpu_seconds"] > 0
    assert usage["wall_seconds"] > 0


@pytest.mark.parametrize(
    ("one", "other", "offset"),
    [(b"same", b"same", None), (b"", b"", None), (b"abc", b"abX", 2), (b"abc", b"ab", 2)],
)
def test_the_first_difference_is_found(
    tmp_path: Path, one: bytes, other: bytes, offset: int | None
) -> None:
    (tmp_path / "one").write_bytes(one)
    (tmp_path / "other").write_bytes(other)
    assert measure.first_difference(tmp_path / "one", tmp_path / "other") == offset


def test_a_difference_in_a_later_block_is_found(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(bytes(3 * 2**20))
    (tmp_path / "other").write_bytes(bytes(2 * 2**20 + 5) + b"x" + bytes(2**20 - 6))
    assert measure.first_difference(tmp_path / "one", tmp_path / "other") == 2 * 2**20 + 5


def test_the_machine_is_described_without_its_name() -> None:
    machine = describe_machine()
    assert set(machine) == {"cores", "cpu_model", "memory_bytes", "python", "kernel"}
    assert not any("/" in str(machine[key]) for key in ("python", "kernel"))


def test_measuring_loads_no_numpy() -> None:
    program = "import sys, benchmarks.measure; sys.exit('numpy' in sys.modules)"
    project = Path(measure.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", program], cwd=project, check=False).returncode == 0
