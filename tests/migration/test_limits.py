"""The limits of rollouts: defaults are those of the design, and a text that is none is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config.sections import accepted, fits, registry
from migration import texts
from migration.conf import RolloutLimits, rollout_limits
from migration.gates.conditions import LEAST_OF
from migration.gates.table import NEVER_DRY, RULES
from tests.migration.pure import LIMITS, limits

HOUR, DAY = 3_600, 86_400
# the numbers of the design, docs of the rollout
DESIGN: dict[str, Any] = {
    "alpha": 0.01,
    "evidence_seconds": 86_400.0,
    "promotion_alpha": 0.05,
    "mismatch_budget": 0.01,
    "slower_by": 0.10,
    "baseline_shadow_share": 1.0,
    "ab_shadow_share": 0.2,
    "gradual_shadow_share": 0.1,
    "full_shadow_share": 0.05,
    "cleanup_shadow_share": 0.01,
    "ab_share": 0.01,
    "gradual_percents": "5, 10, 25, 50, 75",
    "baseline_dwell_seconds": 24 * HOUR,
    "ab_dwell_seconds": 24 * HOUR,
    "step_dwell_seconds": 12 * HOUR,
    "full_dwell_seconds": 72 * HOUR,
    "cleanup_dwell_seconds": 14 * DAY,
    "baseline_pairs": 500,
    "ab_runs": 100,
    "step_runs": 200,
    "full_runs": 1_000,
    "baseline_success": 0.95,
    "ab_success": 0.95,
    "ab_treatment_success": 0.90,
    "degradation": 0.10,
    "gradual_error_rate": 0.02,
    "full_success": 0.95,
    "least_health": 0.8,
    "failures_in_a_row": 3,
    "error_rate": 0.10,
    "health_floor": 0.3,
    "health_low": 0.6,
    "health_low_reports": 3,
    "stale_seconds": 30,
    "stale_rollback_seconds": 5 * 60,
    "approve": "small_ab_test, gradual_rollout, full_migration, legacy_cleanup",
    "approval_seconds": 24 * HOUR,
    "window_days": "",
    "window_hours": "",
    "freezes": "",
    "baseline_days": 14,
    "dry_run": "",
}


def test_what_a_dry_run_accepts_names_the_rules_that_are_never_dry() -> None:
    words = accepted(RolloutLimits.model_fields["dry_run"])
    assert words == f"names of rules but {english_list(sorted(NEVER_DRY))}, or nothing"


def english_list(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


@pytest.mark.parametrize(("name", "value"), DESIGN.items())
def test_a_default_is_that_of_the_design(name: str, value: object) -> None:
    assert getattr(LIMITS, name) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gradual_percents", "75, 50", "expected percents above 0 and below 100, each larger"),
        ("gradual_percents", "some", "expected numbers separated by commas"),
        ("approve", "phase two", "'phase two' is no phase; expected some of: baseline_validation"),
        ("window_days", "monday", "'monday' is no day; expected some of: mon, tue"),
        ("window_hours", "17:00-09:00", "expected hours of one day, as in 09:00-17:00"),
        ("window_zone", "Mars/Base", "expected the name of a time zone, as in UTC"),
        ("freezes", "christmas", "expected days, as in 2026-12-20/2027-01-03"),
    ],
)
def test_a_wrong_text_is_refused_with_what_is_expected(name: str, text: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        limits(**{name: text})
    (error,) = refused.value.errors()
    assert error["loc"] == (name,)
    assert said in error["msg"]
    # the page of the configuration asks in another way
    assert not fits(RolloutLimits.model_fields[name], text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", 0.0),
        ("alpha", 0.5),
        ("ab_share", 0.0),
        ("ab_share", 1.0),
        ("mismatch_budget", 0.0),
        ("error_rate", 0.0),
        ("failures_in_a_row", 0),
        ("failures_in_a_row", "3"),
        ("stale_seconds", float("nan")),
        ("step_dwell_seconds", float("inf")),
        ("full_runs", 1.5),
    ],
)
def test_a_number_out_of_bounds_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        limits(**{name: value})


def test_a_limit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        limits(more=1)


def test_limits_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        LIMITS.alpha = 0.4  # type: ignore[misc]  # what must not work


def test_a_window_is_that_of_the_texts() -> None:
    window = texts.window_of(
        limits(
            window_days="mon, fri",
            window_hours="09:00-17:00",
            window_zone="Europe/Berlin",
            freezes="2026-12-20/2027-01-03, 2026-05-01",
        )
    )
    assert window.days == {0, 4}
    assert (window.begin.hour, window.end.hour) == (9, 17)
    assert window.zone.key == "Europe/Berlin"
    assert len(window.freezes) == 2


def test_without_limits_of_its_own_a_rollout_has_those_of_the_configuration() -> None:
    assert rollout_limits() == LIMITS


def test_every_limit_says_what_it_is() -> None:
    assert all(field.description for field in RolloutLimits.model_fields.values())


def test_the_settings_that_rules_look_up_by_name_exist() -> None:
    names = {name for pair in LEAST_OF.values() for name in pair if name}
    assert names <= set(RolloutLimits.model_fields)


def test_the_rules_between_limits_are_kept_by_the_defaults() -> None:
    ours = [rule for rule in registry.rules if rule.upper.startswith("rollout.")]
    assert {(rule.lower, rule.upper) for rule in ours} >= {
        ("rollout.stale_seconds", "rollout.stale_rollback_seconds"),
        ("rollout.health_floor", "rollout.health_low"),
        ("metrics.sample_seconds", "rollout.stale_seconds"),
    }
    assert LIMITS.stale_seconds < LIMITS.stale_rollback_seconds
    assert LIMITS.health_floor < LIMITS.health_low


def test_no_rule_is_dry_by_default() -> None:
    assert not set(LIMITS.dry_run.split()) & {rule.name for rule in RULES}
