"""What people read of routing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trimming.breaker_rules import Limits
from trimming.choices import RunOutcome
from trimming.models import Breaker, RoutingPolicy, TrimJob, TrimRun
from trimming.routing_choices import Arm, BreakerState, Mode, Why
from trimming.routing_words import (
    NOTABLE,
    breaker_words,
    policy_sentences,
    route_of,
    share_text,
    span_text,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMITS = Limits(failures=3, window_seconds=300, cooldown_seconds=60, probe_seconds=600)


def said(
    mode: str, *, is_watched: bool = True, state: str = BreakerState.CLOSED, **values: Any
) -> str:
    policy = RoutingPolicy(mode=mode, **values)
    return " ".join(policy_sentences(policy, is_watched=is_watched, state=state))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.0001, "0.01 %"),
        (0.025, "2.5 %"),
        (0.07, "7 %"),
        (1 / 3, "33.33 %"),
        (1, "100 %"),
    ],
)
def test_a_share_is_told_to_a_hundredth_of_a_percent(share: float, text: str) -> None:
    assert share_text(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(300, "5 min"), (60, "1 min"), (90, "1 min 30 s"), (5, "5.0 s")]
)
def test_whole_minutes_have_no_seconds(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


class TestPolicy:
    @pytest.mark.parametrize(
        ("mode", "text"),
        [
            (Mode.LEGACY, "Every capture goes to legacy."),
            (
                Mode.SCANNING,
                "Every capture goes to scanning; legacy serves those on which it fails.",
            ),
            (Mode.AUTO, "A capture goes to scanning when scanning supports what it holds, else"),
            (Mode.AB_TEST, "2.5 % of the captures go to scanning, always the same ones;"),
            (Mode.COMPARISON, "Legacy serves every capture while both are compared."),
        ],
    )
    def test_each_mode_says_where_a_capture_goes(self, mode: Mode, text: str) -> None:
        assert said(mode, treatment_share=0.025, shadow_share=0.1).startswith(text)

    def test_what_is_compared_is_told(self) -> None:
        assert "20 % of all captures are compared" in said(Mode.LEGACY, shadow_share=0.2)
        assert "compared" not in said(Mode.LEGACY)

    def test_a_comparison_of_nothing_is_told(self) -> None:
        assert "Nothing is compared" in said(Mode.COMPARISON)

    @pytest.mark.parametrize("mode", [Mode.SCANNING, Mode.AUTO, Mode.AB_TEST])
    def test_what_takes_scanning_away_at_present_is_told(self, mode: Mode) -> None:
        assert "Nobody watches" in said(mode, guarded=True, is_watched=False)
        assert "Nobody watches" not in said(mode, guarded=False, is_watched=False)
        assert "all new captures go to legacy" in said(mode, state=BreakerState.OPEN)
        assert "one capture at a time" in said(mode, state=BreakerState.PROBING)

    @pytest.mark.parametrize("mode", [Mode.LEGACY, Mode.COMPARISON])
    def test_what_gives_nothing_to_scanning_has_nothing_taken_away(self, mode: Mode) -> None:
        text = said(mode, guarded=True, is_watched=False, state=BreakerState.OPEN)
        assert "at present" not in text
        assert "failed too often" not in text

    def test_retired_legacy_is_told_in_one_sentence_and_nothing_is_said_to_go_to_it(self) -> None:
        retired: dict[str, Any] = {"legacy_retired": True, "guarded": True, "is_watched": False}
        sentence = (
            "Every capture goes to scanning. Legacy is retired: what scanning fails on fails, until"
            " an emergency rollback brings legacy back."
        )
        assert said(Mode.SCANNING, **retired) == sentence
        for state in (BreakerState.OPEN, BreakerState.PROBING):
            text = said(Mode.SCANNING, state=state, **retired)
            assert text == (
                f"{sentence} Scanning failed too often lately, but there is nobody else to go to."
            )

    def test_a_mode_of_another_version_of_the_program_is_told(self) -> None:
        assert "not known to this version" in said("dice")


class TestBreaker:
    def test_a_closed_one_counts_only_what_is_recent(self) -> None:
        times = {"a": NOW.timestamp() - 299, "b": NOW.timestamp() - 301}
        found = breaker_words(Breaker(strategy="scanning", failures=times), LIMITS, NOW)
        assert (found.tone, str(found.label), found.recent_failures) == ("ok", "Closed", 1)
        assert "after failing on 3 different captures within 5 min." in found.sentence

    def test_an_open_one_says_what_comes(self) -> None:
        found = breaker_words(Breaker(state=BreakerState.OPEN), LIMITS, NOW)
        assert (found.tone, str(found.label)) == ("fail", "Open")
        assert found.sentence == "Scanning gets no captures; then one is tried."

    def test_a_probing_one_says_how_far_it_is(self) -> None:
        row = Breaker(state=BreakerState.PROBING, good_probes=2, probe_after=NOW + timedelta(0, 9))
        found = breaker_words(row, LIMITS, NOW)
        assert (found.tone, str(found.label)) == ("warn", "Probing")
        assert "2 of 3 went well" in found.sentence

    @pytest.mark.parametrize("state", BreakerState)
    def test_while_legacy_is_retired_it_keeps_nothing_from_scanning(
        self, state: BreakerState
    ) -> None:
        found = breaker_words(Breaker(state=state), LIMITS, NOW, legacy_retired=True)
        assert found.sentence == (
            "Legacy is retired, so scanning gets every capture, however this stands."
        )

    def test_a_state_of_another_version_of_the_program_does_not_look_healthy(self) -> None:
        assert breaker_words(Breaker(state="ajar"), LIMITS, NOW).tone == "fail"


def job(**values: Any) -> TrimJob:
    return TrimJob(**{"policy_version": 3, "fence_epoch": 1, "arm": Arm.CONTROL, **values})


def failed(
    of: TrimJob, outcome: RunOutcome, reason: str = "", strategy: str = "scanning"
) -> TrimRun:
    return TrimRun(job_id=of.pk, strategy=strategy, outcome=outcome, reason=reason)


class TestRoute:
    @pytest.mark.parametrize("why", [why for why in Why if why])
    def test_each_reason_is_a_sentence(self, why: Why) -> None:
        found = route_of(job(why=why), [])
        assert found.sentence == str(why.label)
        assert found.sentence.endswith(".")
        assert found.is_notable == (why in NOTABLE)

    def test_a_job_that_no_worker_took_is_not_decided(self) -> None:
        found = route_of(job(policy_version=None), [])
        assert not found.is_decided
        assert found.sentence == "It is decided when a worker takes the job."
        assert found.arm == ""

    def test_a_job_that_lost_its_run_to_a_rollback_says_so_before_it_is_decided_anew(self) -> None:
        found = route_of(job(policy_version=None, why=Why.ROLLED_BACK), [])
        assert found.sentence == str(Why.ROLLED_BACK.label)
        assert not found.is_decided

    def test_a_reason_of_another_version_of_the_program_is_shown_as_it_is(self) -> None:
        assert route_of(job(why="moon_phase"), []).sentence == "moon_phase"

    def test_the_draw_is_told_where_only_a_share_goes_to_scanning(self) -> None:
        found = route_of(job(bucket=4711, share=0.05, why=Why.BUCKET_CONTROL), [])
        assert found.bucket == (
            "Bucket 4,711 of 10,000; those below 500 go to scanning, a share of 5 %."
        )
        for share in (0.0, 1.0, None):
            assert route_of(job(bucket=4711, share=share), []).bucket == ""

    def test_where_a_person_chose_there_is_no_arm(self) -> None:
        assert route_of(job(arm=Arm.NONE), []).arm == "none, a person chose"
        assert route_of(job(arm=Arm.TREATMENT), []).arm == "treatment"

    def test_a_fallback_tells_why_the_strategy_failed(self) -> None:
        fell = job(failed_on="scanning", why=Why.FALLBACK)
        runs = [
            failed(job(), RunOutcome.FAILED, "of another job"),
            failed(fell, RunOutcome.LOST, "its worker was killed"),
            failed(fell, RunOutcome.FAILED, "of another strategy", strategy="legacy"),
            failed(fell, RunOutcome.FAILED, "ValueError in reader.py"),
        ]
        found = route_of(fell, runs)
        assert found.fallback == "Fell back from scanning: ValueError in reader.py"
        assert found.short == found.fallback
        assert found.is_notable

    def test_a_fallback_without_a_noted_reason_tells_how_the_run_ended(self) -> None:
        fell = job(failed_on="scanning", policy_version=None)
        found = route_of(fell, [failed(fell, RunOutcome.LATE)])
        assert found.fallback == "Fell back from scanning: Past its deadline"
        assert not found.is_decided

    def test_a_fallback_whose_run_is_not_at_hand_is_told_all_the_same(self) -> None:
        assert route_of(job(failed_on="scanning"), []).fallback == "Fell back from scanning."
