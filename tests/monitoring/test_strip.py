"""What the strip on top of every page says of what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from monitoring.choices import VERDICT_LOOKS, Verdict
from monitoring.models import HealthReport
from monitoring.pulse import Pulse
from monitoring.standing import CHECKS_MISSED, Standing
from monitoring.strip import in_words, outranked, verdict_at

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def words(pulse: Pulse, verdict: Verdict, sentence: str = "Why.") -> dict[str, Any]:
    facts = {"pulse": pulse.value, "verdict": verdict.value, "sentence": sentence}
    return in_words({**facts, "running": 1, "waiting": 2})


@pytest.mark.parametrize("verdict", Verdict)
def test_while_the_workers_work_the_health_is_what_counts(verdict: Verdict) -> None:
    said = words(Pulse.WORKING, verdict)
    assert (said["tone"], said["shape"]) == VERDICT_LOOKS[verdict]
    assert said["sentence"] == "Why."


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    ("pulse", "tone", "word"),
    [(Pulse.STOPPED, "fail", "Workers stopped"), (Pulse.UNKNOWN, "unknown", "Not known")],
)
def test_workers_that_are_gone_outrank_every_verdict(
    verdict: Verdict, pulse: Pulse, tone: str, word: str
) -> None:
    said = words(pulse, verdict)
    assert (said["tone"], said["word"]) == (tone, word)
    assert "workers" in said["sentence"]


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("pulse", Pulse)
def test_the_overview_says_what_the_strip_says(verdict: Verdict, pulse: Pulse) -> None:
    word = "Not known" if verdict is Verdict.UNKNOWN else verdict.label
    found = outranked(Standing(verdict, word, "Why.", ""), pulse)
    said = words(pulse, verdict)
    assert (found.look.tone, str(found.word)) == (said["tone"], said["word"])
    if (verdict, pulse) != (Verdict.UNKNOWN, Pulse.UNKNOWN):
        assert found.sentence == said["sentence"]


def test_jobs_are_told_whatever_else_is() -> None:
    for pulse in Pulse:
        said = words(pulse, Verdict.OK)
        assert (said["running"], said["waiting"]) == (1, 2)


def test_what_was_stored_is_said_in_the_language_of_the_viewer() -> None:
    with translation.override("zh-hans"):
        assert words(Pulse.WORKING, Verdict.OK, "Nothing is wrong.")["sentence"] == "没有异常。"


def test_a_report_holds_until_checks_were_missed() -> None:
    report = HealthReport(at=NOON, verdict="ok", sentence="Nothing is wrong.")
    holds = {"verdict": "ok", "sentence": "Nothing is wrong."}
    assert verdict_at(NOON + timedelta(minutes=CHECKS_MISSED), report) == holds
    later = NOON + timedelta(minutes=CHECKS_MISSED, seconds=1)
    assert verdict_at(later, report) == {"verdict": "unknown", "sentence": ""}


def test_without_a_report_nothing_is_known_and_the_reason_is_told() -> None:
    assert verdict_at(NOON, None) == {"verdict": "unknown", "sentence": ""}
    said = words(Pulse.WORKING, Verdict.UNKNOWN, "")
    assert (said["tone"], said["word"]) == ("unknown", "Not known")
    assert said["sentence"] == "The health was not checked for a while."


def test_a_verdict_of_another_version_of_this_program_is_unknown() -> None:
    report = HealthReport(at=NOON, verdict="splendid", sentence="Why.")
    assert verdict_at(NOON, report)["verdict"] == "unknown"
