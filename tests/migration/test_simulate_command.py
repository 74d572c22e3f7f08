"""``manage.py simulate_rollout``: works without a database, and says what it would take."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command


def told(*arguments: str) -> str:
    """Return what the command prints; no test here may touch the database."""
    out = io.StringIO()
    call_command("simulate_rollout", *arguments, stdout=out)
    return out.getvalue()


def as_json(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(*arguments, "--json"))
    return found


def test_one_rollout_is_one_object() -> None:
    found = as_json("--seed", "2", "--fault", "leak")
    assert found["seed"] == 2
    assert found["fault"] == "leak"
    assert found["state"] == "rolled_back"
    assert found["treatment_published_after_rollback"] == 0
    assert found["detection_seconds"] >= 0


def test_many_rollouts_have_a_summary() -> None:
    found = as_json("--seed", "2", "--seeds", "2", "--fault", "slow", "--fault-phase", "1")
    assert [each["seed"] for each in found["rollouts"]] == [2, 3]
    assert found["summary"]["endings"] == {"failed": 2}


def test_without_json_it_is_told_in_words() -> None:
    assert "rolled back" in told("--fault", "leak")
    assert told("--seeds", "2", "--fault", "leak").startswith("2 rollouts: rolled_back 2.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "0"], "--seeds is from 1 to"),
        (["--seed", "-1"], "--seed is 0 or more"),
        (["--fault", "fire"], "invalid choice: 'fire'"),
        (["--fault-phase", "6"], "invalid choice: 6"),
        (["--failure-rate", "2"], "2 is not from 0 to 1"),
        (["--speedup", "0"], "0 is not above 0 and at most 1000"),
        (["--captures-per-hour", "nan"], "nan is not above 0"),
    ],
)
def test_what_it_does_not_take_is_refused_with_what_it_does(
    arguments: list[str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        told(*arguments)
