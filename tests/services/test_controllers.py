"""Processes that look at one rollout at once, or are killed and stopped: it is decided once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.services.rollouts.running import run

pytestmark = pytest.mark.slow

SECONDS = 600.0
WALK = (
    *("start", "freeze_baseline", "promote", "promote", "raise_share", "raise_share"),
    *("promote", "promote", "complete"),
)


def assert_counted_once(found: dict[str, Any]) -> None:
    assert found["counted"] == found["rows"]


@pytest.mark.parametrize(
    "database", [pytest.param("sqlite", marks=pytest.mark.long), "postgresql"], indirect=True
)
def test_two_controllers_at_once_decide_and_count_once_from_the_start_to_the_end(
    tmp_path: Path, database: str
) -> None:
    found = run("tests.services.rollouts.both", tmp_path, database, seconds=SECONDS)
    assert found["moves"] == list(WALK)
    assert found["revision"] == len(WALK)
    assert_counted_once(found)
    assert found["replays"]
    # one of them was second again and again, or nothing was tried
    assert found["seen"]["counted_by_another"] > 0


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
def test_a_controller_that_is_killed_or_stopped_on_its_way_loses_and_doubles_nothing(
    tmp_path: Path, database: str
) -> None:
    found = run("tests.services.rollouts.killed", tmp_path, database, seconds=SECONDS)
    for case in found["killed"]:
        before, then, after = case["before"], case["then"], case["after"]
        assert (then["state"], then["moves"]) == (before["state"], before["moves"])
        assert then["policies"] == before["policies"]
        assert after["moves"] == [*before["moves"], case["move"]]
        assert after["policies"] == before["policies"] + 1
        for each in (before, then, after):
            assert_counted_once(each)
    moves = [case["move"] for case in found["killed"]]
    assert moves == ["promote", "roll_back"] * (len(moves) // 2)
    stopped = found["stopped"]
    assert stopped["said"] == {"move": "promote", "refused": "OvertakenError"}
    assert stopped["before"]["moves"][-1] == "roll_back"
    assert stopped["after"] == stopped["before"]
