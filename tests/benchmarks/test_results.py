from pathlib import Path

import pytest

from benchmarks.results import Result, Run
from tests.benchmarks.runs import run


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    result = Result(
        command="python -m benchmarks.measure",
        commit=None,
        machine={"cores": 2, "cpu_model": None},
        versions={"cp": "9.1"},
        seed=1,
        seconds=3.5,
        left_out=["tcprewrite is left out"],
        runs=[run(), run(correct=None)],
    )
    path = tmp_path / "new folder" / "result.json"
    result.write(path)
    assert Result.read(path) == result


@pytest.mark.parametrize(
    ("outcome", "passed"),
    [
        (run(), True),
        (run(correct=None), True),
        (run(correct=False), False),
        (run(exit_code=2, correct=None), False),
    ],
)
def test_a_run_passes_that_succeeded_and_wrote_nothing_wrong(outcome: Run, passed: bool) -> None:
    assert outcome.passed is passed
