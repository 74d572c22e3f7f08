from pathlib import Path

import pytest

from benchmarks.render import BEGIN, END, insert, main, render
from benchmarks.results import Result, Run
from tests.benchmarks.runs import run


def _result(*runs: Run, left_out: tuple[str, ...] = ()) -> Result:
    return Result(
        command="python -m benchmarks.measure",
        commit="0123abc",
        machine={
            "cores": 2,
            "cpu_model": "Abacus",
            "memory_bytes": 24 * 2**30,
            "filesystem": "ext4",
            "python": "3.11.7",
            "kernel": "Linux 6",
            "load_before": 0.1,
        },
        versions={"cp": "9.1"},
        seed=1,
        seconds=90.0,
        left_out=left_out,
        runs=runs,
    )


def _row(text: str, start: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"| {start} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


# a verified run and a peer, at half a gigabyte and two
LARGE = [
    run("large", "scanning", 500_000_000, 1.5),
    run("large", "cp", 500_000_000, 0.5, correct=None),
    run("large", "scanning", 2_000_000_000, 4.5),
    run("large", "cp", 2_000_000_000, 1.25, correct=None),
]


def test_the_conditions_are_stated() -> None:
    text = render(_result(*LARGE, left_out=("tshark is left out: tshark not on this machine",)))
    for fact in (
        "`python -m benchmarks.measure`",
        "`0123abc`",
        "2 cores of Abacus",
        "24 GiB",
        "ext4",
        "page cache warm",
        "cp 9.1",
        "Not measured: tshark is left out",
        "nothing in 2 of 2 runs",
    ):
        assert fact in text


def test_throughput_stands_with_start_up_and_ratio() -> None:
    text = render(_result(*LARGE)).partition("### Throughput")[2].partition("###")[0]
    assert _row(text, "scanning") == [
        "scanning",
        "500.0 MB/s",
        "0.50 s",
        "0.00 s",
        "0.25x",
    ]


def test_targets_stand_with_their_verdicts() -> None:
    text = render(_result(run("small", "scanning", 1_000, 0.8)))
    assert _row(text, "scanning, whole command, 1 kB")[1:] == [
        "1 s",
        "0.7 s",
        "0.8 s",
        "must reached",
    ]
    assert _row(text, "scanning, peak memory, 1 GB")[1:] == [
        "300 MiB",
        "190 MiB",
        "",
        "not measured",
    ]


def test_targets_of_which_none_was_measured_are_not_shown() -> None:
    assert "Targets" not in render(_result(run("size", "cp", correct=None)))


def test_a_further_connection_has_its_price() -> None:
    runs = [
        run("connections", "scanning", amount, amount / 1e6, dataset="single-packet")
        for amount in (100, 300)
    ]
    text = render(_result(*runs)).partition("### Time of a further packet")[2]
    assert "100 to 300" in text
    assert "1.00 µs" in text


@pytest.mark.parametrize(
    ("bad", "outcome"),
    [
        (run("size", exit_code=2), "failed, exit code 2"),
        (run("size", correct=False, first_difference_offset=40), "differs at offset 40"),
        (run("size", correct=False), "missing"),
    ],
)
def test_one_wrong_output_is_shown_among_right_ones(bad: Run, outcome: str) -> None:
    assert _row(render(_result(run("size"), bad, run("size"))), "scanning")[-1] == outcome


def test_figures_take_their_place_in_a_page(tmp_path: Path) -> None:
    result, page = tmp_path / "result.json", tmp_path / "page.md"
    _result(*LARGE).write(result)
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        assert main([str(result), "--into", str(page)]) == 0
        text = page.read_text()
        assert "old" not in text
        assert text.startswith(f"before\n{BEGIN}\n\n`python")
        assert text.endswith(f"|\n\n{END}\nafter\n")
        assert text.count("### Throughput") == 1


def test_a_page_without_the_place_is_refused() -> None:
    with pytest.raises(ValueError, match="figures: begin"):
        insert("page", "text")


def test_without_a_page_the_figures_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _result(*LARGE).write(tmp_path / "result.json")
    assert main([str(tmp_path / "result.json")]) == 0
    assert "### Throughput" in capsys.readouterr().out
