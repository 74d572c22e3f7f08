"""What every page is told of the service."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from monitoring import context_processors
from monitoring.choices import Verdict
from monitoring.context_processors import service_now
from monitoring.models import Heartbeat
from tests.factories import make_job, make_user
from tests.monitoring.measured import make_report
from trimming.jobs import claim

pytestmark = pytest.mark.django_db


def asked_by(user: Any) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    return request


def beats(**ages_seconds: dict[str, float]) -> None:
    now = timezone.now()
    for name, ages in ages_seconds.items():
        times = {field: now - timedelta(seconds=age) for field, age in ages.items()}
        Heartbeat.objects.create(name=name, **times)


def test_an_anonymous_user_is_told_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert service_now(asked_by(AnonymousUser())) == {}


def test_a_request_that_never_had_a_user_is_told_nothing() -> None:
    assert service_now(RequestFactory().get("/")) == {}


def test_while_the_workers_answer_the_verdict_is_shown_with_its_reason() -> None:
    beats(workers={"asked_at": 2, "at": 1}, monitor={"at": 1})
    make_report(timezone.now(), Verdict.WARN)
    service = service_now(asked_by(make_user()))["service"]
    assert (service["tone"], service["shape"], service["word"]) == ("warn", "warn", "Warn")
    assert service["sentence"] == "CPU is at 74 %, the warning is at 70 %."


def test_workers_that_do_not_answer_have_stopped_whatever_the_verdict() -> None:
    beats(workers={"asked_at": 20, "at": 22}, monitor={"at": 1})
    make_report(timezone.now(), Verdict.OK)
    service = service_now(asked_by(make_user()))["service"]
    assert service["tone"] == "fail"
    assert service["word"] == "Workers stopped"


def test_without_any_sign_nothing_is_known() -> None:
    make_report(timezone.now(), Verdict.OK)
    service = service_now(asked_by(make_user()))["service"]
    assert (service["tone"], service["word"]) == ("unknown", "Not known")


def test_jobs_are_counted_in_few_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    user = make_user()
    jobs = [make_job(user) for _ in range(3)]
    claim(jobs[0].pk, "cluster/1")
    request = asked_by(user)
    with django_assert_num_queries(3):
        service = service_now(request)["service"]
        assert (service["running"], service["waiting"]) == (1, 2)


def test_what_is_not_shown_is_not_asked_for(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    request = asked_by(make_user())
    with django_assert_num_queries(0):
        service_now(request)


def test_workers_that_are_all_busy_are_working_without_a_sign() -> None:
    user = make_user()
    for number in range(settings.Q_CLUSTER["workers"]):
        claim(make_job(user).pk, f"cluster/{number}")
    beats(workers={"asked_at": 200, "at": 202}, monitor={"at": 1})
    make_report(timezone.now(), Verdict.OK)
    assert service_now(asked_by(user))["service"]["tone"] == "ok"


def test_a_page_is_shown_when_the_tables_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise OperationalError("no such table")

    monkeypatch.setattr(context_processors, "newest_report", missing)
    assert not service_now(asked_by(make_user()))["service"]
