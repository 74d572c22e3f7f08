"""What people may press."""

from __future__ import annotations

import pytest

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration.acts import ABORT, ACTS, DRILL, OPERATE, acts_for
from migration.choices import Move, RolloutState
from migration.operations import PERMISSIONS
from migration.roles import ROLE_PERMISSIONS


def names(state: RolloutState, *permissions: str) -> list[str]:
    return [str(act.name) for act in acts_for(state, permissions)]


def of_role(role: str) -> list[str]:
    held = [f"migration.{each}" for each in ROLE_PERMISSIONS[role]]
    return names(RolloutState.RUNNING, *held)


def test_each_act_needs_the_permission_of_its_wish() -> None:
    assert {act.name: act.permission for act in ACTS if act.name != DRILL} == PERMISSIONS


@pytest.mark.parametrize("state", [state for state in RolloutState if state != "aborted"])
def test_abort_is_offered_in_every_state_that_leaves_something_to_take_back(
    state: RolloutState,
) -> None:
    assert "abort" in names(state, ABORT)


def test_of_an_aborted_one_nothing_is_offered() -> None:
    assert names(RolloutState.ABORTED, OPERATE, ABORT) == []


def test_what_is_offered_goes_by_the_state() -> None:
    assert names(RolloutState.PAUSED, OPERATE) == ["resume", "restart"]
    assert names(RolloutState.ROLLED_BACK, OPERATE) == ["restart"]
    assert names(RolloutState.DRAFT, OPERATE) == ["start"]
    assert names(RolloutState.AWAITING, OPERATE) == ["promote", "pause", "restart"]


def test_what_is_offered_goes_by_the_role() -> None:
    operator = ["promote", "pause", "restart", "drill", "abort"]
    assert of_role(VIEWER) == []
    assert of_role(OPERATOR) == operator
    assert of_role(APPROVER) == ["abort"]
    assert of_role(ADMINISTRATOR) == operator


def test_only_what_cannot_be_undone_asks_for_a_typed_word() -> None:
    assert [act.name for act in ACTS if act.is_danger] == [Move.ABORT]
