"""Limits to begin with."""

from __future__ import annotations

from typing import Any

import pytest

from migration.operations import checked
from migration.presets import presets


@pytest.fixture(autouse=True)
def _fresh() -> None:
    presets.cache_clear()


def changes() -> dict[str, Any]:
    return {each.name: dict(each.changes) for each in presets()}


def test_the_first_one_changes_nothing() -> None:
    assert presets()[0].changes == {}


def test_the_strict_one_lets_one_capture_in_a_thousand_differ() -> None:
    assert changes()["strict"] == {"mismatch_budget": 0.001}


def test_that_of_a_rehearsal_is_what_the_demo_environment_sets() -> None:
    found = changes()["rehearsal"]
    assert found["gradual_percents"] == "30, 50, 75"
    assert found["baseline_dwell_seconds"] == 20


def test_an_installation_without_the_demo_has_no_changes_for_it(
    settings: Any, tmp_path: Any
) -> None:
    settings.BASE_DIR = tmp_path
    assert changes()["rehearsal"] == {}


@pytest.mark.parametrize("number", range(3))
def test_a_rollout_accepts_each(number: int) -> None:
    checked(presets()[number].changes)
