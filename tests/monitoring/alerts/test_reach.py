"""What leads to a channel, for tables of routes and levels."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring.alerts.message import Severity
from monitoring.alerts.plan import Plan
from monitoring.alerts.reach import Escalated, Reach, reach_of

TEN, TWENTY = timedelta(minutes=10), timedelta(minutes=20)
ROUTES = {
    Severity.LOW: ("log",),
    Severity.HIGH: ("log", "slack"),
    Severity.CRITICAL: ("log", "slack", "email"),
}


@pytest.mark.parametrize(
    ("channel", "plan", "expected"),
    [
        ("slack", Plan(), Reach()),
        (
            "log",
            Plan(channels=ROUTES),
            Reach((Severity.CRITICAL, Severity.HIGH, Severity.LOW)),
        ),
        (
            "apprise",
            Plan(channels=ROUTES, rule_channels=(("disk", ("log",)), ("own_*", ("apprise",)))),
            Reach(rules=("own_*",)),
        ),
        # a level without channels of its own has those of the alert
        (
            "email",
            Plan(
                channels=ROUTES,
                level_after={2: {Severity.CRITICAL: TEN, Severity.HIGH: TWENTY}},
            ),
            Reach((Severity.CRITICAL,), levels=(Escalated(2, Severity.CRITICAL, TEN),)),
        ),
        (
            "webhook",
            Plan(
                channels=ROUTES,
                level_channels={2: ("slack",), 3: ("webhook",)},
                level_after={2: {Severity.HIGH: TEN}, 3: {Severity.HIGH: TWENTY}},
            ),
            Reach(levels=(Escalated(3, Severity.HIGH, TWENTY),)),
        ),
        ("email", Plan(reminder_channels=("email",)), Reach(reminders=True)),
    ],
)
def test_all_that_leads_to_a_channel_is_told(channel: str, plan: Plan, expected: Reach) -> None:
    found = reach_of(channel, plan)
    assert found == expected
    assert found.is_empty == (expected == Reach())
    assert [timedelta(minutes=each.minutes) for each in found.levels] == [
        each.after for each in expected.levels
    ]
    assert [each.minutes for each in found.levels] == [
        each.after.total_seconds() / 60 for each in expected.levels
    ]
