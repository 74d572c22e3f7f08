"""Looking at the active rollout, all the time: count, load, decide, apply.

One look is cheap where nothing is new.  It renews the guard's lease: while nobody looks, or what
there is to look at is old, new jobs go to legacy.  Every process may look; one of them moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db.models import Max

from config.faults import type_and_place
from migration import suspects
from migration.choices import ACTIVE, Move
from migration.controller import OvertakenError, apply_move
from migration.counting import LATE_COMMITS, count
from migration.decision import Decision, Situation, decide
from migration.models import Attempt, Evaluation, Rollout
from migration.moves import MoveRefusedError
from migration.situation import Surroundings, load, surroundings
from migration.wanted import Wanted
from monitoring.models import MetricSample
from trimming.conf import routing_settings
from trimming.models import RoutingPolicy, Shadow, TrimRun
from trimming.policy import PolicyRefusedError, renew_guard

log = structlog.get_logger("pktmask.rollout")

# an evaluation whose answer is the same is kept so often
KEEP_SECONDS: Final = 60.0
# without anything new, a look is taken so often: time passes, and gates wait for it
IDLE_SECONDS: Final = 5.0


@dataclass(slots=True)
class Evaluator:
    """Looks again and again; keeps what it saw last, to do nothing where nothing is new."""

    _seen: tuple[object, ...] = ()
    _looked_at: datetime | None = None
    _sample_at: datetime | None = None
    _around: Surroundings | None = field(default=None)

    def look(self, now: datetime) -> Decision | None:
        """Take a look; None where there was nothing to look at, or another process was first."""
        rollout = active_rollout()
        if rollout is None:
            # nobody's trial: whoever publishes a guarded policy by hand is watched by this process
            renew_guard(routing_settings().guard_seconds)
            return None
        seen = _newest()
        if seen == self._seen and not self._is_due(now):
            return None
        attempt = rollout.attempt
        if not count(attempt, rollout.limits(), now):
            return None
        situation = load(rollout, now, self._surroundings(rollout, attempt, now))
        self._seen, self._looked_at = seen, now
        return act(rollout, attempt, situation)

    def _is_due(self, now: datetime) -> bool:
        return self._looked_at is None or now - self._looked_at >= timedelta(seconds=IDLE_SECONDS)

    def _surroundings(self, rollout: Rollout, attempt: Attempt, now: datetime) -> Surroundings:
        newest = MetricSample.objects.order_by("-at").values_list("at", flat=True).first()
        if self._around is None or newest != self._sample_at or self._is_due(now):
            self._around = surroundings(attempt, rollout.limits(), now)
            self._sample_at = newest
        return self._around


def active_rollout() -> Rollout | None:
    """Return the rollout that is active."""
    return Rollout.objects.filter(state__in=ACTIVE).first()


def _newest() -> tuple[object, ...]:
    """Return what changes when there is something new; cheap, by indexes."""
    samples = MetricSample.objects.aggregate(at=Max("at"))["at"]
    policy = RoutingPolicy.objects.aggregate(version=Max("version"))["version"]
    rollout = (
        Rollout.objects.filter(state__in=ACTIVE).values_list("pk", "state", "revision").first()
    )
    return _ended(TrimRun), _ended(Shadow), samples, policy, rollout


def _ended(model: type[TrimRun | Shadow]) -> tuple[datetime | None, int]:
    """Return when the newest one ended, and how many just before it: one may commit after it."""
    ended = model._default_manager.all()
    newest = ended.aggregate(at=Max("finished_at"))["at"]
    if newest is None:
        return None, 0
    return newest, ended.filter(finished_at__gt=newest - LATE_COMMITS).count()


def act(rollout: Rollout, attempt: Attempt, situation: Situation) -> Decision:
    """Decide, store what was looked at, and do what follows."""
    decision = decide(situation)
    keep(attempt, situation, decision)
    if decision.move is not None:
        _apply(rollout, situation, decision)
    if _is_fresh(situation):
        renew_guard(routing_settings().guard_seconds)
    return decision


def _apply(rollout: Rollout, situation: Situation, decision: Decision) -> None:
    wanted = Wanted.of(decision, situation)
    try:
        apply_move(rollout, wanted, situation.evidence.now)
    except OvertakenError:
        return
    except (MoveRefusedError, PolicyRefusedError) as error:
        # the settings were changed under it: it holds, and says why
        log.error("rollout_cannot_move", move=wanted.move.value, why=str(error))
        return
    if decision.move in (Move.ROLL_BACK, Move.FAIL):
        try:
            suspects.list_suspects()
        except Exception as error:  # the monitor does it again; the rollback stands
            log.error("suspects_not_listed", **type_and_place(error))


def _is_fresh(situation: Situation) -> bool:
    age = situation.evidence.sample_age_seconds
    return age is not None and age < situation.limits.stale_seconds


def keep(attempt: Attempt, situation: Situation, decision: Decision) -> Evaluation | None:
    """Store an evaluation where its answer is another one, and once a minute."""
    now = situation.evidence.now
    last = Evaluation.objects.filter(attempt=attempt).order_by("-at", "-pk").first()
    answer = (decision.verdict, decision.move or "", decision.rule)
    if (
        last is not None
        and (last.verdict, last.move, last.rule) == answer
        and (now - last.at).total_seconds() < KEEP_SECONDS
    ):
        return None
    return Evaluation.objects.create(
        attempt=attempt,
        at=now,
        situation=situation.as_json(),
        results=[each._asdict() for each in decision.results],
        verdict=decision.verdict,
        move=decision.move or "",
        rule=decision.rule,
        reason=decision.reason,
    )
