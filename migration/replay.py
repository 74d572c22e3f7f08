"""Asking the question of a stored decision again."""

from __future__ import annotations

from typing import Any, NamedTuple

from config.languages.told import in_record
from migration.choices import Move, PhaseState, RolloutState
from migration.decision import Situation, decide
from migration.models import Decision
from migration.moves import MoveRefusedError, phase_after, row_of


class Replayed(NamedTuple):
    """Whether the answer is the same, and each difference as name, stored value, value now."""

    same: bool
    differences: tuple[tuple[str, Any, Any], ...]


def replay(decision: Decision) -> Replayed:
    """Recompute a decision from its row alone.

    What a person wished is held to the table of moves; what the rollout decided by itself is
    decided again, rule by rule.
    """
    found = _moved(decision)
    if decision.situation is not None and decision.results:
        situation = Situation.from_json(decision.situation)
        with in_record():
            again = decide(situation)
        if decision.is_automatic:
            found += _differ("move", decision.move, again.move)
            found += _differ("rule", decision.rule, again.rule)
            found += _differ("reason", decision.reason, again.reason)
        results = {each.rule: _plain(each._asdict()) for each in again.results}
        for stored in decision.results:
            found += _differ(stored["rule"], _plain(stored), results.pop(stored["rule"], None))
        for rule, value in results.items():
            found += _differ(rule, None, value)
    return Replayed(not found, tuple(found))


def _moved(decision: Decision) -> list[tuple[str, Any, Any]]:
    move = Move(decision.move)
    try:
        row = row_of(move, RolloutState(decision.state_before))
    except MoveRefusedError as error:
        return [("table", decision.state_after, str(error))]
    found = _differ("state", decision.state_after, row.rollout)
    if decision.phase_before:
        after = phase_after(move, PhaseState(decision.phase_before))
        found += _differ("phase", decision.phase_after, after)
    return found


def _differ(name: str, stored: Any, now: Any) -> list[tuple[str, Any, Any]]:
    return [] if stored == now else [(name, stored, now)]


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    return {
        key: str(value) if key in ("kind", "verdict") else value for key, value in result.items()
    }
