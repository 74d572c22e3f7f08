import pytest

from benchmarks.results import Run
from benchmarks.targets import TARGETS, Target, Verdict
from tests.benchmarks.runs import run


@pytest.mark.parametrize(
    ("more_is_better", "value", "verdict"),
    [
        (True, 1.0, "aim reached"),
        (True, 0.9, "must reached"),
        (True, 0.5, "must reached"),
        (True, 0.4, "missed"),
        (False, 0.5, "aim reached"),
        (False, 1.0, "must reached"),
        (False, 1.1, "missed"),
        (True, None, "not measured"),
    ],
)
def test_a_figure_is_judged_by_both_limits(
    more_is_better: bool, value: float | None, verdict: Verdict
) -> None:
    must, aim = (0.5, 1.0) if more_is_better else (1.0, 0.5)
    target = Target("speed", "x", must, aim, lambda _: value, more_is_better)
    assert target.judge([]) == (value, verdict)


def _measured(name: str, *runs: Run) -> float | None:
    [target] = [target for target in TARGETS if target.name == name]
    return target.value(runs)


def test_nothing_is_measured_in_an_empty_result() -> None:
    assert {target.judge([])[1] for target in TARGETS} == {"not measured"}


def test_the_ratio_is_taken_between_half_a_gigabyte_and_two() -> None:
    runs = [
        run("large", variant, amount, seconds)
        for variant, amount, seconds in (
            ("scanning --no-verify", 500_000_000, 1.5),
            ("scanning --no-verify", 2_000_000_000, 4.5),
            ("editcap", 500_000_000, 0.5),
            ("editcap", 2_000_000_000, 2.0),
        )
    ]
    assert _measured("scanning --no-verify, against editcap", *runs) == pytest.approx(0.5)


def test_the_whole_command_counts_with_its_start_up() -> None:
    assert _measured("scanning, whole command, 1 kB", run("small", "scanning", 1000, 0.8)) == 0.8
    legacy = run("slow", "legacy", 50_000_000, 10.0)
    assert _measured("legacy, whole command, 50 MB", legacy) == pytest.approx(5)


def test_the_highest_peak_counts_verified_or_not() -> None:
    runs = [
        run("gigabyte", "scanning", 10**9, peak_rss_bytes=150 * 2**20),
        run("gigabyte", "scanning", 10**9, peak_rss_bytes=160 * 2**20),
        run("gigabyte", "scanning --no-verify", 10**9, peak_rss_bytes=170 * 2**20),
    ]
    assert _measured("scanning, peak memory, 1 GB", *runs) == 170


def test_processor_time_is_that_of_a_further_gigabyte() -> None:
    runs = [
        run("large", "scanning", 500_000_000, cpu_seconds=1.0),
        run("large", "scanning", 2_000_000_000, cpu_seconds=4.0),
    ]
    assert _measured("scanning, CPU per GB", *runs) == pytest.approx(2.0)
