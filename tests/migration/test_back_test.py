"""What other limits would have said over stored looks."""

from __future__ import annotations

import pytest

from migration import back_test
from migration.back_test import looks, over_stored, summary
from migration.choices import Move, PhaseName
from migration.decision import Situation
from migration.models import Evaluation
from tests.migration.pure import NOW, limits, passing, situation
from tests.migration.traffic import in_phase
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

KEPT = [(NOW, situation(passing(PhaseName.GRADUAL)))]


def test_the_same_limits_say_the_same() -> None:
    [look] = looks(KEPT, limits())
    assert look.before == look.after
    assert summary([look]) == {"looks": 1, "differ": 0, "first": {}}


def test_other_limits_are_held_against_what_was_said() -> None:
    found = summary(looks(KEPT * 3, limits(step_runs=10**6)))
    assert (found["looks"], found["differ"]) == (3, 3)
    first = found["first"]["request_approval -> hold"]
    assert first == {"at": NOW.isoformat(), "verdict": "inconclusive", "rule": "enough"}


@pytest.mark.django_db
def test_all_stored_looks_of_a_rollout_are_judged_again() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, failures_in_a_row=4)
    for failures in (2, 1):
        service.serve_on(TREATMENT, failures, RunOutcome.FAILED)
        service.look()
        service.pass_time(61)
    found = over_stored(rollout, rollout.limits())
    assert (found["stored"], found["stride"], found["looks"], found["differ"]) == (2, 1, 2, 0)
    stricter = rollout.limits().model_copy(update={"failures_in_a_row": 3})
    found = over_stored(rollout, stricter)
    assert (found["differ"], list(found["first"])) == (1, ["hold -> roll_back"])


@pytest.mark.django_db
def test_of_very_many_looks_some_are_taken_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(back_test, "MOST", 3)
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    [row] = Evaluation.objects.all()
    for _ in range(6):
        row.pk = None
        row.save()
    found = over_stored(rollout, rollout.limits())
    assert (found["stored"], found["stride"], found["looks"]) == (7, 3, 3)


@pytest.mark.django_db
def test_a_stored_look_is_the_situation_of_that_time() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    [row] = Evaluation.objects.all()
    assert row.move == Move.ROLL_BACK
    assert Situation.from_json(row.situation).evidence.now == service.now
