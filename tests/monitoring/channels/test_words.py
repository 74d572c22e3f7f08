"""What all channels say."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.alerts.message import Message, MessageKind, Picture, Severity
from monitoring.channels import words
from tests.monitoring.channels.messages import NOW, any_message, firing, line


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (MessageKind.FIRING, "Firing, critical: CPU above 90 %"),
        (MessageKind.REPEATED, "Still firing, critical: CPU above 90 %"),
        (MessageKind.ESCALATED, "Not acknowledged, critical: CPU above 90 %"),
        (MessageKind.RESOLVED, "Resolved, critical: CPU above 90 %"),
        (MessageKind.DIGEST, "Digest, critical: CPU above 90 %"),
        (MessageKind.REMINDER, "Reminder, critical: CPU above 90 %"),
        (MessageKind.TEST, "Test: CPU above 90 %"),
    ],
)
def test_a_headline_says_kind_severity_and_title(kind: MessageKind, said: str) -> None:
    assert words.headline(replace(firing(), kind=kind)) == said


def test_severities_have_shapes_of_their_own_and_so_has_what_is_resolved() -> None:
    shapes = {words.shape(replace(firing(), severity=each)) for each in Severity}
    shapes.add(words.shape(replace(firing(), kind=MessageKind.RESOLVED)))
    assert len(shapes) == 5


def test_what_the_head_says_is_not_said_again_by_the_only_alert() -> None:
    only = line(1)
    alone = replace(firing(), title=only.title, summary=only.sentence, alerts=(only,))
    (told,) = words.told(alone, 10)
    assert (told.title, told.sentence) == ("", "")
    assert told.details == "Critical, cpu_percent_1, since 29 Nov 2026, 07:30:05 UTC"
    first, _second = words.told(replace(alone, alerts=(only, only)), 10)
    assert (first.title, first.sentence) == (only.title, only.sentence)


def test_a_resolved_alert_says_when() -> None:
    resolved = replace(line(1), resolved_at=NOW, rule="")
    (told,) = words.told(replace(firing(), alerts=(resolved,)), 1)
    assert told.details == (
        "Critical, since 29 Nov 2026, 07:30:05 UTC, resolved 29 Nov 2026, 07:31:05 UTC"
    )


@pytest.mark.parametrize(
    ("more", "alerts", "said"),
    [
        (0, 2, ""),
        (1, 2, "1 more alert is only counted here."),
        (1200, 5, "1,203 more alerts are only counted here."),
    ],
)
def test_what_is_not_listed_is_counted(more: int, alerts: int, said: str) -> None:
    message = replace(firing(), more=more, alerts=(line(),) * alerts)
    assert words.left_out(message, 2) == said


def test_links_that_a_message_does_not_have_are_not_offered() -> None:
    assert [each.name for each in words.links(firing())] == ["acknowledge", "runbook", "console"]
    assert words.links(replace(firing(), acknowledge="", runbook="", console="")) == []


@pytest.mark.parametrize(
    ("values", "unit", "limit", "said"),
    [
        ((40.0, 97.25, 91.0), "%", 90.0, "CPU (%): from 40 to 97.25, at last 91. The limit is 90."),
        (
            (1.5e9, 2e9),
            "",
            None,
            "CPU: from 1,500,000,000 to 2,000,000,000, at last 2,000,000,000.",
        ),
        ((1e18,), "B", None, "CPU (B): from 1.000e+18 to 1.000e+18, at last 1.000e+18."),
        ((), "%", None, "CPU (%): no values."),
    ],
)
def test_a_picture_is_said_in_words(
    values: tuple[float, ...], unit: str, limit: float | None, said: str
) -> None:
    points = tuple((NOW + timedelta(minutes=at), value) for at, value in enumerate(values))
    assert words.pictured(Picture("CPU", unit, points, limit)) == said


def test_the_first_support_level_is_not_mentioned_higher_ones_are() -> None:
    when, level, key = words.footer(firing())
    assert (when, level, key) == (
        "29 Nov 2026, 07:31:05 UTC",
        "support level 2",
        "message firing-0001",
    )
    assert words.footer(replace(firing(), level=1)) == [when, key]


@given(st.text(), st.integers(1, 50))
def test_a_text_is_cut_visibly_and_only_when_it_is_too_long(text: str, limit: int) -> None:
    found = words.cut(text, limit)
    assert len(found) <= limit
    assert (found == text) if len(text) <= limit else found.endswith("…")


# messages are large to make up
@settings(max_examples=settings().max_examples // 4)
@given(any_message)
def test_tidy_texts_are_one_line_of_characters_that_can_be_seen(message: Message) -> None:
    tidy = words.tidy(message)
    found = [tidy.title, tidy.summary, *tidy.actions]
    for each in tidy.alerts:
        found += [each.title, each.sentence, each.rule]
    if tidy.picture is not None:
        found += [tidy.picture.title, tidy.picture.unit]
    assert not {unicodedata.category(each) for each in "".join(found)} & {"Cc", "Cs", "Zl", "Zp"}
    assert "\u202e" not in "".join(found)
    assert not any(text != " ".join(text.split()) for text in found)
    assert words.tidy(tidy) == tidy
    assert len(words.subject(tidy)) <= words.MAX_SUBJECT_CHARACTERS
