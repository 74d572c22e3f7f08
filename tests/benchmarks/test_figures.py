import pytest

from benchmarks.figures import Spread, growth, lines, of_variant, speed_ratio, spread, throughput
from tests.benchmarks.runs import run

# two rounds of a subject that needs a second and a second per MB, and of a peer twice as fast
RUNS = [
    run(variant=variant, amount=amount, wall_seconds=start + seconds, round_number=round_number)
    for round_number, start in enumerate((1.0, 3.0))
    for variant, amount, seconds in (
        ("scanning", 1_000_000, 1.0),
        ("scanning", 4_000_000, 4.0),
        ("cp", 1_000_000, 0.5),
        ("cp", 4_000_000, 2.0),
    )
]


def test_the_line_of_a_round_tells_the_slope_from_the_start_up() -> None:
    found = lines(RUNS, "large", "scanning")
    assert found[0].slope_per_byte == pytest.approx(1e-6)
    assert [found[number].at_nothing for number in (0, 1)] == pytest.approx([1.0, 3.0])


def test_throughput_does_not_count_the_start_up() -> None:
    speed = throughput(RUNS, "large", "scanning")
    assert speed is not None
    assert [speed.lowest, speed.median, speed.highest] == pytest.approx([1e6, 1e6, 1e6])


def test_the_ratio_says_how_many_times_as_fast_as_the_peer() -> None:
    ratio = speed_ratio(RUNS, "large", "scanning", "cp")
    assert ratio is not None
    assert ratio.median == pytest.approx(0.5)


def test_one_size_has_no_slope() -> None:
    assert lines([run(), run(round_number=1)], "large", "scanning") == {}
    assert throughput([run()], "large", "scanning") is None


def test_a_round_whose_slope_is_hidden_by_noise_has_no_speed() -> None:
    noisy = [run(amount=10**6, wall_seconds=2.0), run(amount=4 * 10**6, wall_seconds=1.5)]
    assert throughput(noisy, "large", "scanning") is None
    assert speed_ratio([*noisy, *RUNS[2:4]], "large", "scanning", "cp") is None


def test_runs_that_failed_count_nowhere() -> None:
    runs = [run(), run(exit_code=1), run(correct=False)]
    assert of_variant(runs, "large", "scanning") == runs[:1]


def test_runs_are_found_by_series_variant_and_amount() -> None:
    wanted = run(amount=2)
    others = [run(amount=1), run(amount=2, series="small"), run(amount=2, variant="cp")]
    assert of_variant([*others, wanted], "large", "scanning", 2) == [wanted]


def test_a_spread_is_the_median_with_the_range() -> None:
    runs = [run(wall_seconds=seconds) for seconds in (9.0, 1.0, 2.0)]
    assert spread(runs, "wall_seconds") == Spread(2.0, 1.0, 9.0)
    assert spread([], "wall_seconds") is None


def test_growth_is_what_a_further_one_costs_in_each_step() -> None:
    runs = [run(amount=amount, wall_seconds=1 + amount / 10) for amount in (30, 10, 100)]
    steps = growth(runs, "large", "scanning")
    assert [(fewer, more) for fewer, more, _ in steps] == [(10, 30), (30, 100)]
    assert [seconds for _, _, seconds in steps] == pytest.approx([0.1, 0.1])
