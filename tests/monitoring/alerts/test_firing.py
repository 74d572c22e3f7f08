"""The firing alerts on the overview."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from config.roles import OPERATOR, VIEWER
from monitoring.alerts.acts import acknowledge, silence
from monitoring.alerts.firing import MOST, Firing, firing_now
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, AlertClock
from monitoring.alerts.values import Condition
from tests.factories import make_user
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db
DISK = condition("disk", Severity.HIGH)


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel()):
        yield


def fire(*conditions: Condition, seconds_ago: float = 1) -> None:
    look_at(timezone.now() - timedelta(seconds=seconds_ago), *conditions)


def shown() -> Firing:
    found = firing_now(timezone.now(), make_user())
    assert found is not None
    return found


def panel(role: str = OPERATOR, client: Client | None = None) -> str:
    """Return the panel as an open page gets it."""
    if client is None:
        client = Client()
        client.force_login(make_user(role))
    return " ".join(client.get("/overview/data/").json()["parts"]["firing"].split())


def test_the_worst_stand_first_and_the_newest_among_equals() -> None:
    fire(condition("low", Severity.LOW), condition("old", Severity.HIGH), seconds_ago=20)
    fire(
        condition("low", Severity.LOW),
        condition("old", Severity.HIGH),
        condition("new", Severity.HIGH),
        condition("worst", Severity.CRITICAL),
    )
    assert [each.alert.rule for each in shown().rows] == ["worst", "new", "old", "low"]


def test_a_few_are_shown_and_the_rest_is_counted() -> None:
    fire(*(condition("disk", label=f"n{n}") for n in range(MOST + 3)))
    found = shown()
    assert (len(found.rows), found.more) == (MOST, 3)
    assert "3 more fire" in panel()


def test_what_is_acknowledged_or_silenced_is_counted_and_not_shown() -> None:
    now = timezone.now()
    silence("rule=queue", "ann", "known", now - timedelta(hours=1), now + timedelta(hours=1), now)
    fire(DISK, condition("queue"), condition("cpu"), seconds_ago=2)
    acknowledge([Alert.objects.get(rule="disk").pk], "ann", now)
    acknowledge([Alert.objects.get(rule="cpu").pk], "ann", now)
    found = shown()
    assert (found.loud, found.acknowledged, found.silenced) == (0, 2, 1)
    text = panel()
    assert "No alert waits for somebody." in text
    assert "2 acknowledged" in text
    assert "1 silenced" in text
    assert "No alert is firing." not in text


def test_that_nothing_fires_is_said_only_after_a_look() -> None:
    assert "Not known: nobody has looked at alerts yet." in panel()
    fire()
    assert "No alert is firing." in panel()
    AlertClock.objects.update(at=timezone.now() - timedelta(minutes=5))
    text = panel()
    assert "Not known: alerts were last looked at" in text
    assert "No alert is firing." not in text


def test_what_fired_stays_when_nobody_looks_any_more() -> None:
    fire(DISK, seconds_ago=300)
    text = panel()
    assert "Not known" in text
    assert "disk is wrong" in text


def test_the_alert_and_the_list_are_one_step_away() -> None:
    fire(DISK)
    text = panel()
    assert f'href="/alerts/{Alert.objects.get().pk}/"' in text
    assert 'href="/alerts/"' in text


def test_an_operator_acknowledges_and_is_back_on_the_overview() -> None:
    fire(DISK)
    client = Client()
    client.force_login(make_user(OPERATOR))
    key = Alert.objects.get().pk
    assert f'value="{key}"' in panel(client=client)
    answer = client.post("/alerts/acknowledge/", {"one": key, "back": "overview"})
    assert answer["Location"] == "/"
    assert Alert.objects.get().acknowledged_at is not None
    assert "Acknowledge</button>" not in panel(client=client)


def test_a_viewer_sees_no_button() -> None:
    fire(DISK)
    text = panel(VIEWER)
    assert "disk is wrong" in text
    assert "Acknowledge</button>" not in text


def test_who_may_not_see_alerts_has_no_panel() -> None:
    fire(DISK)
    user = User.objects.create_user("watcher")
    user.user_permissions.add(Permission.objects.get(codename="view_healthreport"))
    client = Client()
    client.force_login(user)
    assert panel(client=client) == ""


def test_an_open_overview_hears_of_alerts() -> None:
    client = Client()
    client.force_login(make_user())
    assert 'data-service-kinds="sample health alerts"' in client.get("/").content.decode()
