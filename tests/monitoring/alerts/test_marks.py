"""Marks of alerts on charts and in lists of changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.alerts.marks import MOST, Several, near_each_other
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert
from monitoring.marks import Mark, marks
from tests.factories import make_user
from tests.monitoring.alerts.effects import look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db
NOW = timezone.now()
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels():
        yield


def found(user: User | None = None) -> list[Mark]:
    shown = marks.between(NOW - HOUR, NOW, user or make_user())
    return [each for each in shown if each.address.startswith("/alerts/")]


def titles() -> list[str]:
    return [each.title for each in found()]


def test_what_is_high_or_critical_is_marked_when_it_fires_and_when_it_is_over() -> None:
    look_at(NOW - timedelta(seconds=600), condition("disk", Severity.HIGH))
    look_at(NOW - timedelta(seconds=300))
    over, began = found()
    assert (over.title, over.label, over.tone) == ("Resolved: disk is wrong", "resolved", "ok")
    assert (began.title, began.label, began.tone) == (
        "Alert: disk is wrong",
        "disk is wrong",
        "fail",
    )
    assert began.address == over.address == f"/alerts/{Alert.objects.get().pk}/"


@pytest.mark.parametrize("severity", [Severity.LOW, Severity.MEDIUM])
def test_what_is_less_is_not(severity: Severity) -> None:
    look_at(NOW - timedelta(seconds=600), condition("disk", severity))
    look_at(NOW - timedelta(seconds=300))
    assert found() == []


def test_what_runs_dry_or_never_fired_is_not() -> None:
    dry = condition("dry", Severity.HIGH, is_dry=True)
    held = condition("held", Severity.HIGH, hold_seconds=3600)
    look_at(NOW - timedelta(seconds=600), dry, held)
    look_at(NOW - timedelta(seconds=300))
    assert found() == []


def test_what_fires_within_a_minute_is_one_mark() -> None:
    storm = [condition("storm", Severity.CRITICAL, label=f"n{n}") for n in range(30)]
    look_at(NOW - timedelta(seconds=600), *storm[:10])
    look_at(NOW - timedelta(seconds=560), *storm)
    assert titles() == ["30 alerts fired"]
    (mark,) = found()
    assert (mark.label, mark.address) == ("30 alerts", "/alerts/")
    assert mark.at == NOW - timedelta(seconds=600)
    look_at(NOW - timedelta(seconds=300))
    assert titles() == ["30 alerts resolved", "30 alerts fired"]


def test_a_minute_is_counted_from_its_last_alert() -> None:
    times = [Several(NOW - timedelta(seconds=40 * n), 1, f"t{n}", f"k{n}") for n in range(4)]
    assert [(each.count, each.title) for each in near_each_other(times)] == [(2, "t0"), (2, "t2")]


def test_who_may_not_see_alerts_sees_no_marks_of_them() -> None:
    look_at(NOW - timedelta(seconds=600), condition("disk", Severity.HIGH))
    assert found()
    assert found(User.objects.create_user("nobody")) == []


def test_they_are_bounded_and_take_two_queries_however_many_there_are() -> None:
    Alert.objects.bulk_create(
        Alert(
            key=f"k{n}",
            fingerprint=f"f{n}",
            rule="disk",
            severity=Severity.HIGH,
            state="resolved",
            title="disk is wrong",
            sentence="91 %",
            since=NOW - timedelta(days=n + 1),
            seen_at=NOW - timedelta(days=n + 1),
            fired_at=NOW - timedelta(days=n + 1),
            resolved_at=NOW - timedelta(days=n + 1, hours=-1),
        )
        for n in range(2 * MOST)
    )
    user = make_user()
    user.has_perm("monitoring.view_alert")
    with CaptureQueriesContext(connection) as queries:
        shown = marks.between(NOW - timedelta(days=1000), NOW, user)
    assert len([each for each in shown if each.address.startswith("/alerts/")]) == 2 * MOST
    assert len([each for each in queries if "monitoring_alert" in each["sql"]]) == 2
