"""``manage.py replay_decision``: "same", or each difference, for people and for machines."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command

from migration.choices import Move, PhaseName
from migration.models import Decision
from tests.migration.traffic import in_phase, situation_in
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db


@pytest.fixture
def decision() -> Decision:
    """A rollback."""
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    found: Decision = rollout.decisions.get(move=Move.ROLL_BACK)
    return found


def change_by_hand(decision: Decision, **values: Any) -> None:
    """Change a row that is never changed, as a hand in the database might."""
    for name, value in values.items():
        setattr(decision, name, value)
    decision.save_base(raw=True, force_update=True)


def replayed(*words: Any) -> tuple[str, int]:
    """Run the command; return what it prints, and its exit code."""
    out = io.StringIO()
    try:
        call_command("replay_decision", *map(str, words), stdout=out, stderr=out)
    except SystemExit as ended:
        return out.getvalue(), int(ended.code or 0)
    return out.getvalue(), 0


def test_the_same_answer_is_said_to_be_the_same(decision: Decision) -> None:
    assert replayed(decision.pk) == ("same\n", 0)
    text, code = replayed(decision.pk, "--json")
    assert (json.loads(text), code) == ({"same": True, "differences": []}, 0)


def test_a_row_that_was_changed_is_shown_with_both_values(decision: Decision) -> None:
    change_by_hand(decision, rule="leak")
    text, code = replayed(decision.pk)
    assert code == 1
    assert text == "rule\n  stored: leak\n  now:    failures_in_a_row\n"


def test_machines_get_each_difference_by_its_name(decision: Decision) -> None:
    situation = situation_in(decision)
    situation["limits"]["failures_in_a_row"] = 4
    change_by_hand(decision, situation=situation)
    text, code = replayed(decision.pk, "--json")
    found = json.loads(text)
    assert (code, found["same"]) == (1, False)
    names = [each["name"] for each in found["differences"]]
    assert names == ["move", "rule", "reason", "failures_in_a_row"]
    assert found["differences"][0]["stored"] == "roll_back"
    assert found["differences"][0]["now"] is None


def test_a_decision_that_there_is_not_is_refused() -> None:
    assert replayed(4711) == ("There is no decision 4711.\n", 2)
