"""The five phases as the page draws them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from migration.choices import PHASES, PhaseName, PhaseState
from migration.path import PhaseFacts, PhaseView, path_of

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = 3600.0
SHARES: dict[PhaseName, tuple[float, ...]] = {
    PhaseName.BASELINE: (0.0,),
    PhaseName.AB_TEST: (0.01,),
    PhaseName.GRADUAL: (0.05, 0.25, 0.5),
    PhaseName.FULL: (1.0,),
    PhaseName.CLEANUP: (1.0,),
}


def facts(name: PhaseName, state: PhaseState = PhaseState.PENDING, **values: Any) -> PhaseFacts:
    given: dict[str, Any] = {
        "planned": HOUR * len(SHARES[name]),
        "started_at": None if state is PhaseState.PENDING else NOW - timedelta(hours=1),
        "finished_at": None,
        "shares": SHARES[name],
    }
    return PhaseFacts(name=name, state=state, **{**given, **values})


def in_gradual(state: PhaseState = PhaseState.RUNNING) -> list[PhaseFacts]:
    """Return the phases of a rollout that is at the second share of three."""
    passed = {"finished_at": NOW, "at": 0, "took": HOUR, "took_here": HOUR}
    return [
        facts(PhaseName.BASELINE, PhaseState.PASSED, **passed),
        facts(PhaseName.AB_TEST, PhaseState.PASSED, **passed),
        facts(PhaseName.GRADUAL, state, at=1, took=2 * HOUR, took_here=HOUR / 2),
        facts(PhaseName.FULL),
        facts(PhaseName.CLEANUP),
    ]


def hours(view: PhaseView) -> float | None:
    """Return how many hours from now a phase may end."""
    return None if view.ends_at is None else (view.ends_at - NOW) / timedelta(hours=1)


def test_what_is_passed_is_done_and_what_runs_is_here() -> None:
    places = [each.place for each in path_of(in_gradual(), NOW, 0.0)]
    assert places == ["done", "done", "here", "ahead", "ahead"]


def test_the_scale_shows_which_shares_were_passed() -> None:
    gradual = path_of(in_gradual(), NOW, 0.0)[2]
    assert [(each.share, each.place) for each in gradual.steps] == [
        (0.05, "done"),
        (0.25, "here"),
        (0.5, "ahead"),
    ]
    assert gradual.share == 0.25


def test_a_phase_of_one_share_has_no_scale() -> None:
    assert [len(each.steps) for each in path_of(in_gradual(), NOW, 0.0)] == [0, 0, 3, 0, 0]


def test_all_shares_of_a_passed_phase_are_done() -> None:
    phases = in_gradual()
    phases[2] = facts(PhaseName.GRADUAL, PhaseState.PASSED, at=2, finished_at=NOW)
    assert {each.place for each in path_of(phases, NOW, 0.0)[2].steps} == {"done"}


def test_a_phase_ends_after_what_its_steps_and_the_phases_before_it_need() -> None:
    # half an hour here and one more share of an hour; then an hour each
    assert [hours(each) for each in path_of(in_gradual(), NOW, HOUR / 2)] == [
        *(None, None),
        *(1.5, 2.5, 3.5),
    ]


def test_without_traffic_no_end_is_known() -> None:
    assert {each.ends_at for each in path_of(in_gradual(), NOW, None)} == {None}


def test_what_does_not_run_has_no_estimates() -> None:
    for state in (PhaseState.PAUSED, PhaseState.AWAITING, PhaseState.ROLLED_BACK):
        path = path_of(in_gradual(state), NOW, 0.0)
        assert {each.ends_at for each in path} == {None}


def test_a_phase_that_was_taken_back_marks_the_share_at_which_it_was() -> None:
    for state in (PhaseState.ROLLED_BACK, PhaseState.FAILED):
        gradual = path_of(in_gradual(state), NOW, None)[2]
        assert gradual.place == "back"
        assert [each.place for each in gradual.steps] == ["done", "back", "ahead"]


def test_a_phase_that_another_attempt_has_passed_was_skipped() -> None:
    phases = in_gradual()
    phases[0] = facts(PhaseName.BASELINE, PhaseState.PASSED, started_at=None)
    path = path_of(phases, NOW, None)
    assert [each.is_skipped for each in path] == [True, *[False] * 4]
    assert [each.name for each in path] == list(PHASES)
