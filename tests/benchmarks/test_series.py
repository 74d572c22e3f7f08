from benchmarks.series import SUITE, Series, chosen, suite, without_room
from benchmarks.subjects import SUBJECTS

SMALL = Series("small", "web", (1_000, 2_000), ("cp",), 1)
LARGE = Series("large", "web", (1_000, 10_000), ("cp",), 1)


def test_the_suite_measures_every_subject() -> None:
    assert {name for series in SUITE for name in series.subjects} == set(SUBJECTS)


def test_the_suite_is_narrowed_to_the_subjects_asked_for() -> None:
    [series] = suite(["cp"])
    assert series.subjects == ("cp",)
    assert {name for series in suite(["cp", "legacy"]) for name in series.subjects} == {
        "cp",
        "legacy",
    }


def test_a_chosen_size_is_measured_with_a_quarter_of_it() -> None:
    [series] = chosen(["cp"], 400, None, 2)
    assert (series.amounts, series.subjects, series.rounds) == ((100, 400), ("cp",), 2)


def test_chosen_connections_are_measured_with_a_tenth_and_three_tenths() -> None:
    [series] = chosen(["cp"], None, 1_000, 1)
    assert (series.dataset, series.amounts) == ("single-packet", (100, 300, 1_000))


def test_a_disk_with_room_leaves_nothing_out() -> None:
    # both captures with their expected forms, and one output
    assert without_room([SMALL], 1, free_bytes=8_000) == ([SMALL], [])


def test_what_the_disk_has_no_room_for_is_left_out_with_a_sentence() -> None:
    fitting, left_out = without_room([LARGE, SMALL], 1, free_bytes=8_000)
    assert fitting == [SMALL]
    assert len(left_out) == 1
    assert "large" in left_out[0]


def test_a_capture_that_two_series_share_takes_its_room_once() -> None:
    # 1 kB, 2 kB and 10 kB twice, and the largest output
    assert without_room([SMALL, LARGE], 1, free_bytes=36_000)[1] == []
    assert without_room([SMALL, LARGE], 1, free_bytes=35_999)[0] == [SMALL]
