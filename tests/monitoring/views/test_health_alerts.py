"""Health checks and the alerts that they raised: from one to the other, and back."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from config.roles import VIEWER
from monitoring.alerts.look import look
from monitoring.alerts.models import Alert
from monitoring.choices import Verdict
from monitoring.models import HealthReport
from tests.factories import make_user
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition
from tests.monitoring.measured import make_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel()):
        yield


@pytest.fixture
def client() -> Client:
    found = Client()
    found.force_login(make_user(VIEWER))
    return found


def check(minutes_ago: float, verdict: Verdict) -> HealthReport:
    """Check, and look at what came of it."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    report = make_report(at, verdict)
    look(at, "test")
    return report


def shown(response: Any) -> str:
    assert response.status_code == 200
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())


def test_an_alert_keeps_the_check_that_raised_it() -> None:
    first = check(3, Verdict.WARN)
    check(2, Verdict.WARN)
    check(1, Verdict.WARN)
    assert [alert.report for alert in Alert.objects.all()] == [first]
    assert list(first.alerts.all()) == list(Alert.objects.all())


def test_an_alert_leads_to_its_check_and_the_check_to_its_alert(client: Client) -> None:
    report = check(2, Verdict.WARN)
    check(1, Verdict.WARN)
    alert = Alert.objects.get()
    page = client.get(f"/alerts/{alert.pk}/").content.decode()
    assert f'href="/health/checks/{report.pk}/"' in page
    answer = client.get(f"/health/checks/{report.pk}/")
    assert f'href="/alerts/{alert.pk}/"' in answer.content.decode()
    assert f"Alert: {alert.title} , firing since" in shown(answer)


def test_the_health_page_names_what_fires_of_a_dimension_whichever_check_raised_it(
    client: Client,
) -> None:
    check(2, Verdict.WARN)
    check(1, Verdict.WARN)
    text = client.get("/health/data/").json()["parts"]["evidence"]
    assert text.count(f'href="/alerts/{Alert.objects.get().pk}/"') == 1


def test_the_list_of_checks_says_which_of_them_raised_what(client: Client) -> None:
    report = check(2, Verdict.WARN)
    check(1, Verdict.WARN)
    page = client.get("/health/").content.decode()
    rows = re.findall(r"<tr role=\"row\">.*?</tr>", page[page.index('id="p-reports"') :], re.S)
    with_alerts = [row for row in rows if "/alerts/" in row]
    assert len(with_alerts) == 1
    assert f'href="/health/checks/{report.pk}/"' in with_alerts[0]


def test_an_old_check_shows_what_it_said_then(client: Client) -> None:
    report = check(600, Verdict.FAIL)
    check(300, Verdict.OK)
    check(299, Verdict.OK)
    text = shown(client.get(f"/health/checks/{report.pk}/"))
    _head, body = text.split("What one check found", 1)
    assert "Fail" in body
    assert "Not known" not in body
    assert "resolved" in body


def test_who_may_not_see_alerts_sees_the_check_without_them() -> None:
    report = check(1, Verdict.WARN)
    user = User.objects.create_user("watcher")
    user.user_permissions.add(Permission.objects.get(codename="view_healthreport"))
    client = Client()
    client.force_login(user)
    for address in ("/health/", f"/health/checks/{report.pk}/"):
        assert 'href="/alerts/' not in client.get(address).content.decode()


def test_who_may_not_see_health_sees_no_check() -> None:
    report = check(1, Verdict.WARN)
    client = Client()
    client.force_login(User.objects.create_user("somebody"))
    assert client.get(f"/health/checks/{report.pk}/").status_code == 403


def test_a_check_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/health/checks/7/").status_code == 404


def test_what_no_check_raised_leads_to_none(client: Client) -> None:
    look_at(timezone.now(), condition("disk"))
    alert = Alert.objects.get()
    assert alert.report is None
    assert "Raised by" not in shown(client.get(f"/alerts/{alert.pk}/"))
