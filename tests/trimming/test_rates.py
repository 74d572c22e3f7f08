"""How fast strategies were."""

from __future__ import annotations

import pytest

from tests.factories import make_job, make_user
from trimming.choices import RunOutcome
from trimming.conf import TrimmingSettings
from trimming.jobs import claim
from trimming.models import TrimRun
from trimming.rates import measured_bytes_per_s

pytestmark = pytest.mark.django_db


def add_run(size: int, duration_ms: float, outcome: RunOutcome = RunOutcome.DONE) -> None:
    run = claim(make_job(make_user()).pk, "one/1")
    assert run is not None
    TrimRun.objects.filter(pk=run.pk).update(
        input_bytes=size, duration_ms=duration_ms, outcome=outcome
    )


def test_a_strategy_without_runs_has_the_cautious_rate_of_the_settings() -> None:
    assert measured_bytes_per_s("legacy") == TrimmingSettings().unmeasured_bytes_per_s


def test_the_rate_is_the_median_of_finished_runs_that_were_long_enough() -> None:
    for size in (1_000_000, 2_000_000, 9_000_000):
        add_run(size, 1000)
    add_run(77, 1)
    add_run(5_000_000_000, 1000, RunOutcome.FAILED)
    assert measured_bytes_per_s("legacy") == 2_000_000
