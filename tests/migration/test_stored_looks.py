"""Reading the looks of an attempt for its charts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from migration.choices import PhaseName
from migration.evidence_charts import STEPS
from migration.models import Evaluation
from migration.stored_looks import stored_looks
from tests.migration.traffic import in_phase
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db


def test_few_looks_are_all_there_with_what_was_counted() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    service.serve_on(TREATMENT, 4)
    service.pass_time(61)
    service.look()
    first, second = stored_looks(rollout.attempt)
    assert first.at < second.at == service.now
    assert second.treatment.finished == first.treatment.finished + 4
    assert second.evidence["errors"] >= 1


def test_of_many_looks_so_many_are_read_as_a_chart_has_steps_and_the_newest_is_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.look()
    kept = Evaluation.objects.get()
    attempt = rollout.attempt
    Evaluation.objects.bulk_create(
        Evaluation(
            attempt=attempt,
            at=kept.at + timedelta(minutes=number),
            situation=kept.situation,
            results=kept.results,
            verdict=kept.verdict,
            reason=kept.reason,
        )
        for number in range(1, 1000)
    )
    with django_assert_num_queries(3):
        looks = stored_looks(attempt)
    assert STEPS / 2 < len(looks) <= STEPS
    assert looks[-1].at == kept.at + timedelta(minutes=999)
    assert looks == sorted(looks, key=lambda look: look.at)


def test_an_attempt_that_nobody_has_looked_at_has_none() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    assert stored_looks(rollout.attempt) == []
