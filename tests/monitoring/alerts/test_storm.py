"""Very many alerts in a minute: within the rate limits, and every one accounted for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from monitoring.alerts.delivery import deliver, due_channels
from monitoring.alerts.look import Memory, take_in
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.models import Alert, AlertTelling, Notification
from monitoring.alerts.values import Found
from tests.monitoring.alerts.effects import Clock, FakeChannel, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db
# of each severity, by the routes that are built in
CHANNELS = {
    Severity.LOW: 1,
    Severity.MEDIUM: 3,
    Severity.HIGH: 4,
    Severity.CRITICAL: 4,
}
LIMIT = 30


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_a_storm_in_a_minute_stays_within_the_limits_and_none_is_lost(count: int) -> None:
    severities = list(Severity)
    storm = [condition("storm", severities[n % 4], label=f"n{n}") for n in range(count)]
    channels = {name: FakeChannel() for name in ("log", "email", "slack", "webhook")}
    clock, memory = Clock(), Memory()
    # a look every three seconds of the minute, then six in the hour after it
    looks = [*range(0, 60, 3), *range(60, 3900, 640)]
    with only_channels(**channels):
        for seconds in looks:
            so_far = min(count, count * (seconds + 3) // 60)
            take_in(Found(tuple(storm[:so_far])), clock.at(seconds), "test", memory)
            for name in due_channels(clock()):
                deliver(name, "test", clock)
    assert Alert.objects.filter(state="firing").count() == count

    firing = AlertTelling.objects.filter(kind=MessageKind.FIRING)
    assert firing.count() == sum(count // 4 * each for each in CHANNELS.values())
    states = Counter(firing.values_list("state", "why"))
    assert set(states) <= {("queued", ""), ("suppressed", "rate"), ("waiting", "grouped")}
    critical = firing.filter(severity=Severity.CRITICAL)
    assert set(critical.values_list("state", "notification__state")) == {("queued", "sent")}

    for name, channel in channels.items():
        told = sum(len(each.alerts) + each.more for each in channel.taken)
        carried = AlertTelling.objects.filter(channel=name, notification__state="sent")
        # of two support levels in one message an alert has one line
        assert told == carried.values("notification", "alert").distinct().count()
        rows = Notification.objects.filter(channel=name).exclude(severity=Severity.CRITICAL)
        times = sorted(rows.values_list("at", flat=True))
        for begin in times:
            within = [each for each in times if begin <= each < begin + timedelta(hours=1)]
            assert len(within) <= LIMIT
