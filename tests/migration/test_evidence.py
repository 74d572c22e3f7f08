"""Evidence that is stored and given back is the same evidence; anything else is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from migration.choices import PhaseName
from migration.gates.evidence import (
    Evidence,
    baseline_as_json,
    baseline_from_json,
    tally_as_json,
    tally_from_json,
)
from migration.gates.tally import Tally
from tests.migration.pure import (
    BASELINE,
    EVIDENCE,
    NOW,
    STEP,
    TALLIES,
    pair,
    passing,
    run,
)


def stored(value: Any) -> Any:
    """Return what a database gives back."""
    return json.loads(json.dumps(value, allow_nan=False))


@given(TALLIES)
def test_a_tally_comes_back_as_it_was(tally: Tally) -> None:
    back = tally_from_json(stored(tally_as_json(tally)))
    assert back == tally
    # and can be added to
    assert back.serve([run(failed=True)], BASELINE) == tally.serve([run(failed=True)], BASELINE)
    assert back.compare([pair()], 0.1) == tally.compare([pair()], 0.1)


@given(EVIDENCE)
@settings(max_examples=60)
def test_evidence_comes_back_as_it_was(evidence: Evidence) -> None:
    assert Evidence.from_json(stored(evidence.as_json())) == evidence


def test_a_baseline_comes_back_as_it_was() -> None:
    for baseline in (BASELINE, replace(BASELINE, bytes_per_second=1e8, worker_rss_bytes=2e8)):
        assert baseline_from_json(stored(baseline_as_json(baseline))) == baseline


def test_an_empty_row_is_an_empty_tally_and_no_baseline() -> None:
    assert tally_from_json({}) == Tally()
    assert baseline_from_json({}) is None
    assert baseline_from_json(None) is None


def test_a_time_comes_back_as_the_same_moment() -> None:
    local = datetime(2026, 3, 4, 13, tzinfo=ZoneInfo("Europe/Berlin"))
    evidence = passing(PhaseName.AB_TEST, now=local)
    back = Evidence.from_json(stored(evidence.as_json()))
    assert back.now == local == datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("change", ["more", "tally.more", "tally.errors.more", "baseline.more"])
def test_what_nobody_knows_is_refused_instead_of_forgotten(change: str) -> None:
    kept = stored(passing(PhaseName.GRADUAL).as_json())
    inner = kept
    *path, name = change.split(".")
    for each in path:
        inner = inner[each]
    inner[name] = 1
    with pytest.raises(ValueError, match="more"):
        Evidence.from_json(kept)


def test_what_is_no_evidence_is_refused() -> None:
    kept = stored(passing(PhaseName.GRADUAL).as_json())
    for wrong in (
        {},
        {**kept, "phase": "sixth"},
        {**kept, "now": "yesterday"},
        {name: value for name, value in kept.items() if name != "tally"},
        {**kept, "tally": {**kept["tally"], "paired": {"max_log_e": float("nan")}}},
        {**kept, "tally": {**kept["tally"], "matched": "many"}},
    ):
        with pytest.raises(ValueError, match="validation error"):
            Evidence.from_json(wrong)
    with pytest.raises(ValueError, match="validation error"):
        tally_from_json({"leek": 1})
    with pytest.raises(ValueError, match="validation error"):
        baseline_from_json({"runs": 1})


def test_what_is_counted_at_the_present_share_is_that_of_the_step() -> None:
    evidence = passing(PhaseName.GRADUAL, 1)
    assert evidence.counted == evidence.tally.steps[STEP]
    assert replace(evidence, step="other:0").counted.both.finished == 0


def test_evidence_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        passing(PhaseName.FULL).now = NOW  # type: ignore[misc]  # what must not work
