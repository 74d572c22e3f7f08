"""What pages make of the newest report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from monitoring.choices import Dimension, Verdict
from monitoring.conf import HealthSettings
from monitoring.health.findings import Evidence, Finding
from monitoring.standing import CHECKS_MISSED, dimension_views, standing

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def kept(*evidence: Evidence, dimension: Dimension = Dimension.ERROR_RATE) -> dict[str, object]:
    return Finding(dimension, Verdict.WARN, 0.7, "Why.", evidence).as_json()


@pytest.mark.parametrize(
    ("value", "shown"), [(0.031, (pytest.approx(3.1), 2.0, "%")), (None, (None, 2.0, "%"))]
)
def test_a_share_is_shown_in_percent(value: float | None, shown: object) -> None:
    (view,) = dimension_views([kept(Evidence("Error rate", value, 0.02, "share"))])
    (evidence,) = view.evidence
    assert (evidence.value, evidence.limit, evidence.unit) == shown


def test_other_units_are_shown_as_they_are_kept() -> None:
    (view,) = dimension_views([kept(Evidence("Age", 3.0, 120.0, "s", 7, 1.5))])
    (found,) = view.evidence
    assert (found.value, found.limit, found.unit, found.n, found.age_seconds) == (
        3,
        120,
        "s",
        7,
        1.5,
    )


def test_dimensions_come_in_their_order_whatever_the_report_has() -> None:
    views = dimension_views([kept(dimension=each) for each in reversed(Dimension)])
    assert [view.key for view in views] == list(Dimension.values)


def test_a_report_that_is_too_old_says_nothing_any_more() -> None:
    report = SimpleNamespace(at=NOON, verdict="ok", sentence="Nothing is wrong.", dimensions=[])
    patience = timedelta(minutes=CHECKS_MISSED * HealthSettings().check_minutes)
    assert standing(report, NOON + patience).verdict is Verdict.OK
    assert standing(report, NOON + patience + timedelta(seconds=1)).verdict is Verdict.UNKNOWN
    assert standing(None, NOON).verdict is Verdict.UNKNOWN
