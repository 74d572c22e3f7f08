"""Tables that are one line of text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from monitoring.alerts.message import Severity
from monitoring.alerts.tables import (
    matchers_text,
    read_channels,
    read_matchers,
    read_minutes,
    read_rule_channels,
    read_severities,
)


def test_channels_stand_between_commas_and_none_twice() -> None:
    assert read_channels("email, slack,, email") == ("email", "slack")
    assert read_channels("") == ()


def test_minutes_are_of_severities() -> None:
    assert read_minutes("critical 10, high 1.5") == {
        Severity.CRITICAL: timedelta(minutes=10),
        Severity.HIGH: timedelta(seconds=90),
    }


def test_severities_are_named() -> None:
    assert read_severities("low, critical") == (Severity.LOW, Severity.CRITICAL)


def test_rules_have_channels_by_pattern() -> None:
    assert read_rule_channels("disk: log; health_*: slack, email;") == (
        ("disk", ("log",)),
        ("health_*", ("slack", "email")),
    )


def test_matchers_are_read_and_written_the_rule_first() -> None:
    found = read_matchers("channel=slack, rule=health_*")
    assert matchers_text(found) == "rule=health_*, channel=slack"


@pytest.mark.parametrize(
    ("reader", "text", "words"),
    [
        (read_channels, "E-Mail!", "is no name of a channel"),
        (read_minutes, "critical", "has no minutes"),
        (read_minutes, "critical -1", "has no minutes"),
        (read_minutes, "bad 10", "is no severity; expected one of: low, medium, high, critical"),
        (read_rule_channels, "disk", "cannot be read; expected rules"),
        (read_rule_channels, "disk:", "cannot be read; expected rules"),
        (read_matchers, "rule", "cannot be read; expected matchers"),
        (read_matchers, "rule=a b", "cannot be read; expected matchers"),
        (read_matchers, "rule=a, rule=b", "stands twice"),
        (read_matchers, " ", "A silence names what it silences"),
    ],
)
def test_what_cannot_be_read_says_what_is_expected(
    reader: Callable[[str], object], text: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        reader(text)
