"""Back-tests, proposals, and words of steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.utils import timezone

from monitoring.alerts.back_test import firings_in
from monitoring.alerts.models import Notification
from monitoring.alerts.proposals import Noise, proposal
from monitoring.alerts.stages import (
    escalation,
    hold,
    holding_back,
    limiting,
    muting,
    repeating,
    routing,
    settling,
)
from monitoring.alerts.statistics import statistics
from monitoring.alerts.words import STEPS, look_of, sentence_of


class TestBackTest:
    @pytest.mark.parametrize(
        ("minutes", "seconds", "begins", "lasted"),
        [
            ([], 60, [], []),
            ([1, 9, 1], 60, [1], [1]),
            ([9, 9, 9, 1, 9, 9, 9, 9], 180, [2, 6], [1, 2]),
            ([9, 9, 1, 9, 9], 180, [], []),
            ([9, None, 9, None, 9], 180, [4], [1]),
            ([9, 9], 0, [0], [2]),
        ],
    )
    def test_a_rule_fires_when_it_was_wrong_for_its_time(
        self, minutes: list[float | None], seconds: float, begins: list[int], lasted: list[int]
    ) -> None:
        assert firings_in(minutes, "above", 5, seconds) == (begins, lasted)

    def test_below_is_the_other_side_and_the_threshold_itself_is_right(self) -> None:
        assert firings_in([4, 5, 6], "below", 5, 0)[0] == [0]
        assert firings_in([4, 5, 6], "above", 5, 0)[0] == [2]


class TestProposals:
    @pytest.mark.parametrize(
        ("noise", "words"),
        [
            (Noise(4, 0, 0.0, [1.0] * 4), ""),
            (Noise(6, 2, 0.0, [30.0] * 6), "Holding for 1 min 0 s instead of 0 s would have"),
            (Noise(6, 2, 60.0, [200.0] * 6), "Holding for 5 min 0 s instead of 1 min 0 s"),
            (Noise(6, 0, 0.0, [9999.0] * 6), "None of 6 was acknowledged"),
            (Noise(6, 2, 0.0, [9999.0] * 6), ""),
        ],
    )
    def test_a_proposal_rests_on_how_long_alerts_lasted(self, noise: Noise, words: str) -> None:
        found = proposal(noise)
        assert found.startswith(words)
        assert bool(found) is bool(words)


class TestWords:
    DETAILS: ClassVar[Any] = {
        "hold_seconds": 60.0,
        "settle_seconds": 600.0,
        "times": 3,
        "before": "low",
        "after": "high",
        "by": "silence 3",
        "level": 2,
        "channels": ["log", "slack"],
        "channel": "log",
        "kind": "firing",
        "why": "silenced",
        "attempt": 2,
        "answer": "Refused.",
        "who": "ada",
        "note": "on it",
        "silence": 3,
    }

    @pytest.mark.parametrize(("stage", "what"), STEPS)
    def test_every_step_has_a_sentence(self, stage: str, what: str) -> None:
        said = sentence_of(stage, what, self.DETAILS)
        assert said[-1] in ".:tk"
        assert "%(" not in said

    def test_what_has_no_time_to_hold_fires_at_once(self) -> None:
        assert sentence_of("hold", "fired", {"hold_seconds": 0.0}) == "Fires at once."
        assert "has held for 30" in sentence_of("hold", "fired", {"hold_seconds": 30.0})

    def test_a_step_of_another_version_is_shown_as_it_is(self) -> None:
        assert sentence_of("new", "thing", {}) == "new: thing"
        assert look_of("new", "thing").tone == "run"

    def test_every_stage_is_known(self) -> None:
        stages = {
            hold.STAGE,
            settling.STAGE,
            muting.INHIBITION,
            muting.SILENCE,
            routing.STAGE,
            repeating.STAGE,
            escalation.STAGE,
            holding_back.STAGE,
            limiting.STAGE,
        }
        assert stages <= {stage for stage, _ in STEPS}


@pytest.mark.django_db
def test_no_more_than_a_twentieth_of_messages_took_longer_than_what_is_said() -> None:
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(
            key=f"{number}",
            channel="log",
            kind="firing",
            severity="high",
            at=now,
            body={},
            state="sent",
            next_at=now,
            ended_at=now + timedelta(seconds=number),
        )
        for number in (1, 2, 3, 4)
    )
    (row,) = statistics("24h", now).channels
    assert (row.sent, row.median_seconds, row.p95_seconds) == (4, 2.5, 4.0)
