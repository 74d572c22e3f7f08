"""Looking at the active rollout, all the time: count, load, decide, apply.

One look is cheap where nothing is new.  It renews the guard's lease: while nobody looks, or what
there is to look at is old, new jobs go to legacy.  Every process may look; one of them moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.db import transaction
from django.db.models import Count, Max

from config.faults import type_and_place
from migration import signals, suspects
from migration.choices import ACTIVE, Move
from migration.conf import RolloutLimits
from migration.controller import OvertakenError, apply_move
from migration.counting import LATE_COMMITS, count
from migration.decision import Decision, Situation, decide
from migration.models import Attempt, Evaluation, Rollout
from migration.moves import MoveRefusedError
from migration.situation import Surroundings, situation_of, surroundings
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


class Seen(NamedTuple):
    """What there was at a look; where it is the same again, there is nothing new."""

    runs: dict[str, Any]
    shadows: dict[str, Any]
    sample_at: datetime | None
    policy: int | None
    rollout: int
    revision: int


@dataclass(slots=True)
class Evaluator:
    """Looks again and again; keeps what it saw last, to do nothing where nothing is new."""

    _seen: Seen | None = None
    _looked_at: datetime | None = None
    _around_of: tuple[object, ...] = ()
    _around: Surroundings | None = field(default=None)

    def look(self, now: datetime) -> Decision | None:
        """Take a look; None where there was nothing to look at, or another process was first."""
        rollout = active_rollout()
        if rollout is None:
            # nobody's trial: whoever publishes a guarded policy by hand is watched by this process
            renew_guard(routing_settings().guard_seconds)
            return None
        seen = _newest(rollout, now)
        if seen == self._seen and not self._is_due(now):
            return None
        attempt, limits = rollout.attempt, rollout.limits()
        if not count(attempt, limits, now):
            return None
        around = self._surroundings(seen, attempt, limits, now)
        situation = situation_of(rollout, attempt, limits, around, now)
        self._seen, self._looked_at = seen, now
        return act(rollout, attempt, situation)

    def _is_due(self, now: datetime) -> bool:
        return self._looked_at is None or now - self._looked_at >= timedelta(seconds=IDLE_SECONDS)

    def _surroundings(
        self, seen: Seen, attempt: Attempt, limits: RolloutLimits, now: datetime
    ) -> Surroundings:
        # what is known of one attempt or phase says nothing of the next
        of = (seen.sample_at, attempt.pk, seen.revision)
        if self._around is None or of != self._around_of or self._is_due(now):
            self._around = surroundings(attempt, limits, now)
            self._around_of = of
        return self._around


def active_rollout() -> Rollout | None:
    """Return the rollout that is active."""
    return Rollout.objects.filter(state__in=ACTIVE).first()


def _newest(rollout: Rollout, now: datetime) -> Seen:
    """Return what changes when there is something new; cheap, by indexes."""
    return Seen(
        _ended(TrimRun, now),
        _ended(Shadow, now),
        MetricSample.objects.aggregate(at=Max("at"))["at"],
        RoutingPolicy.objects.aggregate(version=Max("version"))["version"],
        rollout.pk,
        rollout.revision,
    )


def _ended(model: type[TrimRun | Shadow], now: datetime) -> dict[str, Any]:
    """Return when the newest one ended, and how many lately: one may commit behind it."""
    lately = model._default_manager.filter(finished_at__gt=now - LATE_COMMITS)
    return lately.aggregate(at=Max("finished_at"), count=Count("pk"))


def act(rollout: Rollout, attempt: Attempt, situation: Situation) -> Decision:
    """Decide, store what was looked at, and do what follows."""
    decision = decide(situation)
    if decision.move is not None:
        # nothing comes before a rollback; the decision keeps what it went by itself
        _apply(rollout, situation, decision)
    keep(attempt, situation, decision)
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
    # by its number, which an index finds; with its situation it is large
    kept_before = Evaluation.objects.filter(attempt=attempt).order_by("-pk")
    last = kept_before.only("verdict", "move", "rule", "at").first()
    answer = (decision.verdict, decision.move or "", decision.rule)
    if (
        last is not None
        and (last.verdict, last.move, last.rule) == answer
        and (now - last.at).total_seconds() < KEEP_SECONDS
    ):
        return None
    kept = Evaluation.objects.create(
        attempt=attempt,
        at=now,
        situation=situation.as_json(),
        results=[each._asdict() for each in decision.results],
        verdict=decision.verdict,
        move=decision.move or "",
        rule=decision.rule,
        reason=decision.reason,
    )
    transaction.on_commit(
        lambda: signals.evaluation_kept.send(Evaluation, evaluation_id=kept.pk), robust=True
    )
    return kept
