"""What is counted of rows: each capture once, by the arm that it was assigned to."""

from __future__ import annotations

import pytest

from migration.choices import PhaseName
from migration.gates.tally import ArmCount
from tests.migration.traffic import counted, in_phase
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("i", range(6))
def test_a(i) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.serve_on(TREATMENT, 2)
    service.look()
    assert counted(rollout).of_step("small_ab_test:0").treatment == ArmCount(2, 0)
