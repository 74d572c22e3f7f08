"""Where a rollout stands, as plain values: for the command, the report and pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from migration.choices import ACTIVE, Move, PhaseState, RolloutState
from migration.decision import Situation, decide
from migration.estimates import Estimate, estimate, traffic_of
from migration.models import Attempt, Decision, Evaluation, Phase, Rollout, ServedCapture
from migration.moves import allowed
from migration.situation import load, step_seconds
from migration.traffic import Traffic
from trimming.shadow_queue import flow

# the traffic that an estimate goes by
TRAFFIC: Final = timedelta(hours=24)
LAST_DECISIONS: Final = 10


def status_of(rollout: Rollout, now: datetime) -> dict[str, Any]:
    """Return state, phases, gates and what is next."""
    found: dict[str, Any] = {
        "rollout": rollout.pk,
        "name": rollout.name,
        "state": str(rollout.state),
        "allowed": [str(each) for each in allowed_of(rollout)],
    }
    attempt = rollout.attempts.order_by("-number").first()
    if attempt is None:
        return found
    found |= {
        "attempt": attempt.number,
        "phases": [phase_row(phase, now) for phase in attempt.phases.order_by("number")],
        "decisions": [decision_row(row) for row in rollout.decisions.all()[:LAST_DECISIONS]],
    }
    if rollout.state in ACTIVE:
        found |= _gates(rollout, attempt, now)
    return found


def allowed_of(rollout: Rollout) -> tuple[Move, ...]:
    """Return the moves that the table has for the rollout's state."""
    return allowed(RolloutState(rollout.state))


def phase_row(phase: Phase, now: datetime) -> dict[str, Any]:
    """Return one phase with its planned and actual times, in s."""
    steps = phase.steps.order_by("number")
    took = sum(step_seconds(step, now) for step in steps)
    return {
        "phase": str(phase.name),
        "state": str(phase.state),
        "shares": [step.share for step in steps],
        "planned_seconds": phase.planned_seconds,
        "took_seconds": round(took, 1) if phase.state != PhaseState.PENDING else None,
        "started_at": phase.started_at,
        "finished_at": phase.finished_at,
    }


def decision_row(decision: Decision) -> dict[str, Any]:
    """Return one decision."""
    return {
        "decision": decision.pk,
        "at": decision.at,
        "move": str(decision.move),
        "by": decision.actor_name,
        "rule": decision.rule,
        "reason": decision.reason,
    }


def _gates(rollout: Rollout, attempt: Attempt, now: datetime) -> dict[str, Any]:
    newest = Evaluation.objects.filter(attempt=attempt).first()
    situation = load(rollout, now)
    decided = decide(situation)
    traffic = traffic_at(situation, attempt, now)
    left = estimate(situation.evidence, situation.limits, decided.results, traffic)
    return {
        "share": situation.evidence.share,
        "verdict": str(decided.verdict),
        "next": str(decided.move or ""),
        "reason": decided.reason,
        "until": decided.until,
        "looked_at": newest.at if newest else None,
        "gates": [each._asdict() for each in decided.results],
        "estimate": _plain(left),
    }


def _plain(left: Estimate) -> dict[str, Any]:
    return dict(left._asdict())


def traffic_at(situation: Situation, attempt: Attempt, now: datetime) -> Traffic:
    """Return how fast evidence comes to an attempt at present."""
    rate = captures_per_second(attempt, now)
    return traffic_of(situation.evidence, situation.limits, rate, flow(now))


def captures_per_second(attempt: Attempt, now: datetime) -> float:
    """Return how many distinct captures the attempt has seen in a second, lately."""
    begin = max(attempt.started_at, now - TRAFFIC)
    seconds = (now - begin).total_seconds()
    seen = ServedCapture.objects.filter(attempt=attempt, run__finished_at__gte=begin).count()
    return seen / seconds if seconds > 0 else 0.0


def as_lines(said: dict[str, Any]) -> list[str]:
    """Return lines for people."""
    if "gates" not in said:
        return [line for key, value in said.items() for line in _lines(key, value)]
    lines = [
        f"{said['name']}: {said['state']}, attempt {said['attempt']}, "
        f"{100 * said['share']:g} % to scanning",
        f"{said['verdict']}: {said['reason']}",
        "",
    ]
    for phase in said["phases"]:
        lines.append(f"  {phase['state']:18} {phase['phase']}")
    lines.append("")
    for gate in said["gates"]:
        dry = " (dry run)" if gate["is_dry"] else ""
        lines.append(f"  {gate['verdict']:13} {gate['rule']}{dry}: {gate['message']}")
    return lines


def _lines(key: str, value: Any) -> Iterable[str]:
    if isinstance(value, str) and "\n" in value:
        yield value
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield f"{key}:"
        for row in value:
            yield "  " + ", ".join(f"{name} {each}" for name, each in row.items())
    else:
        yield f"{key}: {value}"
