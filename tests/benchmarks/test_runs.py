from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.captures import make_captures
from benchmarks.results import Run
from benchmarks.runs import measure
from benchmarks.series import Series
from benchmarks.subjects import SUBJECTS, Variant

_COPY = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
_FIRST = Series("first", "web", (1_000, 4_000), ("one", "other"), 2)
_SECOND = Series("second", "single-packet", (10,), ("one",), 3)


@pytest.fixture(autouse=True)
def _copiers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "other"):
        command = ("{python}", "-c", _COPY, "{input}", "{output}")
        monkeypatch.setitem(SUBJECTS, name, (Variant(name, command, masks=False),))


def _runs(folder: Path, *, further_rounds: bool) -> Iterator[Run]:
    plan = (_FIRST, _SECOND)
    make_captures({recipe for series in plan for recipe in series.recipes(1)}, folder)
    return measure(plan, folder, 1, time_remains=lambda: further_rounds)


def test_variants_take_turns_and_so_do_the_series(tmp_path: Path) -> None:
    runs = list(_runs(tmp_path, further_rounds=True))
    first = [("one", 1_000), ("other", 1_000), ("one", 4_000), ("other", 4_000)]
    second = [("one", 10)]
    order = [(run.variant, run.amount) for run in runs]
    assert order == first + second + first + second + second
    assert [run.round_number for run in runs] == [0] * 5 + [1] * 5 + [2]


def test_every_series_gets_one_round_when_no_time_remains(tmp_path: Path) -> None:
    runs = list(_runs(tmp_path, further_rounds=False))
    assert {run.series for run in runs} == {"first", "second"}
    assert {run.round_number for run in runs} == {0}


def test_no_output_is_left_behind(tmp_path: Path) -> None:
    list(_runs(tmp_path, further_rounds=False))
    assert not list(tmp_path.glob("*.output.pcap"))
