"""Alerts on PostgreSQL: processes that look and send at once, and people who act meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.services.rollouts.running import run

pytestmark = pytest.mark.slow


@pytest.fixture
def found(tmp_path: Path, database: str) -> dict[str, Any]:
    return run("tests.services.alerts.races", tmp_path, database, seconds=120.0)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_is_done_at_once_is_done_once(found: dict[str, Any]) -> None:
    # each message is claimed by one of the senders, and there was more than one
    senders = found["senders"]
    assert senders["made"] == senders["sent"] == senders["arrived"] == senders["wanted"]
    assert senders["most_times"] == 1
    assert senders["senders"] > 1
    # the second look waited for the first, and had nothing to add
    assert found["looks"]["waited"] == 1
    assert [steps > 0 for steps in found["looks"]["steps"]] == [True, False]
    assert found["looks"]["alerts"] == found["looks"]["wanted"]
    # people, looks and a sender wait for each other in one order, so there is no deadlock
    people = found["people"]
    assert people["alerts"] == people["wanted"]
    assert (people["steps_again"], people["unexplained"]) == (0, 0)
    # a silent monitor is told of by one process, and resolved by the monitor that is back
    assert found["dead_man"] == {"stood_in": 1, "told": ["firing"], "state": ["resolved"]}
