"""Whether an exercise was done: each answer with its reason."""

from __future__ import annotations

import pytest

from pktmask_site.exercises.judging import (
    Decided,
    approve,
    read_the_overview,
    restore,
    roll_back,
)

DEMO = "nobody else came"


@pytest.mark.parametrize(
    ("phase", "verdict", "is_done", "said"),
    [
        ("small_ab_test", "ok", True, "Right: the phase is small_ab_test, the health is ok."),
        ("small_ab_test", "fail", False, "health fail was not so in the last 120 s, which had ok"),
        ("full_migration", "fail", False, "had baseline_validation or small_ab_test; health"),
        ("", "ok", False, "Say what the overview shows: --phase one of baseline_validation"),
        ("small_ab_test", "", False, "and --health one of ok, warn"),
    ],
)
def test_what_was_read_is_right_when_it_was_so_lately(
    phase: str, verdict: str, is_done: bool, said: str
) -> None:
    found = read_the_overview(
        phase, verdict, {"small_ab_test", "baseline_validation"}, {"ok", "warn"} - {"warn"}
    )
    assert found.is_done is is_done
    assert said in found.sentence


def test_where_nothing_was_so_that_is_said() -> None:
    assert "which had none" in read_the_overview("small_ab_test", "ok", (), ("ok",)).sentence


def test_an_approval_counts_unless_the_demo_gave_it() -> None:
    own = Decided("approved", "anton", "no capture differs")
    by_demo = Decided("approved", "anton", DEMO)
    rejected = Decided("rejected", "anton", "not yet")
    assert approve([by_demo, own], DEMO).is_done
    assert not approve([by_demo, rejected], DEMO).is_done
    assert "by the demo itself" in approve([by_demo], DEMO).sentence
    assert approve([], DEMO).sentence == "Nothing was approved yet."


@pytest.mark.parametrize(
    ("by", "stands", "published", "said"),
    [
        ("olga", True, 0, "Done: olga rolled back"),
        ("olga", True, 2, "2 results of scanning were published after it"),
        ("", True, 0, "the rules made it"),
        ("olga", False, 0, "No rollback stands"),
    ],
)
def test_a_rollback_counts_when_a_person_made_it_and_it_stands(
    by: str, stands: bool, published: int, said: str
) -> None:
    found = roll_back(by, stands=stands, published_since=published)
    assert said in found.sentence
    assert found.is_done is said.startswith("Done")


@pytest.mark.parametrize(
    ("is_restored", "files", "damaged", "said"),
    [
        (True, 3, (), "Done: restored, and all 3 results are what their rows say."),
        (True, 3, ("outputs/1",), "missing or damaged: outputs/1"),
        (True, 0, (), "holds no result"),
        (False, 3, (), "was not restored from a backup"),
    ],
)
def test_a_restore_counts_when_every_result_is_what_its_row_says(
    is_restored: bool, files: int, damaged: tuple[str, ...], said: str
) -> None:
    found = restore(is_restored=is_restored, files=files, damaged=damaged)
    assert said in found.sentence
    assert found.is_done is said.startswith("Done")
