"""Signs of life and the queue, in the admin."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success

from monitoring.health.check import check_now
from monitoring.models import (
    HealthReport,
    Heartbeat,
    LiveUpdate,
    MetricRollup,
    MetricSample,
)
from monitoring.schedules import CHECK_HEALTH, ensure_schedules

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    """The client of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


LISTS = (
    "monitoring_heartbeat",
    "monitoring_healthreport",
    "monitoring_metricsample",
    "monitoring_metricrollup",
    "monitoring_monitorlease",
    "django_q_failure",
    "django_q_ormq",
    "django_q_schedule",
)


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_and_is_read_only(root: Client, name: str) -> None:
    Heartbeat.objects.create(name="workers", at=timezone.now())
    assert root.get(reverse(f"admin:{name}_changelist")).status_code == 200
    assert root.get(reverse(f"admin:{name}_add")).status_code == 403


def test_only_what_helps_of_the_queue_is_registered() -> None:
    assert admin.site.is_registered(Failure)
    assert admin.site.is_registered(OrmQ)
    assert admin.site.is_registered(Schedule)
    for model in (Success, LiveUpdate):
        assert not admin.site.is_registered(model)


def test_schedules_are_seen_and_not_edited(root: Client) -> None:
    ensure_schedules()
    row = Schedule.objects.get(func=CHECK_HEALTH)
    page = root.get(reverse("admin:django_q_schedule_changelist")).content.decode()
    assert CHECK_HEALTH in page
    change = reverse("admin:django_q_schedule_change", args=[row.pk])
    assert root.get(change).status_code == 200
    assert root.post(change, {"minutes": 99}).status_code == 403
    assert root.post(reverse("admin:django_q_schedule_delete", args=[row.pk])).status_code == 403


def test_queued_messages_are_read_only(root: Client) -> None:
    from django_q.tasks import async_task

    async_task("trimming.tasks.run_job", "00000000-0000-0000-0000-000000000000")
    queued = OrmQ.objects.get()
    page = root.get(reverse("admin:django_q_ormq_changelist")).content.decode()
    assert "trimming.tasks.run_job" in page
    change = reverse("admin:django_q_ormq_change", args=[queued.pk])
    assert root.get(change).status_code == 200
    assert root.post(change, {"key": "x"}).status_code == 403


def test_reports_samples_and_rollups_open_with_what_they_keep(root: Client) -> None:
    at = timezone.now()
    check_now(at)
    values = {"values": {"cpu_percent": 41.5}, "histograms": {"run_ms:control": {"3": 1}}}
    MetricSample.objects.create(at=at, covers_seconds=5, late_ms=1, **values)
    MetricRollup.objects.create(at=at, resolution_seconds=60, samples=1, covers_seconds=5, **values)
    for model, kept in (
        (HealthReport, "strategy_selection"),
        (MetricSample, "cpu_percent"),
        (MetricRollup, "run_ms:control"),
    ):
        name = f"admin:monitoring_{model.__name__.lower()}_change"
        row = model._default_manager.get()
        assert kept in root.get(reverse(name, args=[row.pk])).content.decode()
