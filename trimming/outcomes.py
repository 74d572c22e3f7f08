"""How an attempt ends that has no result: who is to blame for it, and who serves instead."""

from __future__ import annotations

import structlog

from trimming import breaker, jobs
from trimming.choices import OUTCOME_KINDS, OutcomeKind, RunOutcome
from trimming.models import TrimRun
from trimming.moves import Move
from trimming.routing import CONTROL

log = structlog.get_logger("pktmask.runner")


def end_without_result(run: TrimRun, move: Move, outcome: RunOutcome, reason: str) -> bool:
    """End an attempt; the control serves a job on which the treatment failed.

    Returns False when the attempt no longer held its job.
    """
    is_blamed = OUTCOME_KINDS[outcome] is OutcomeKind.STRATEGY_FAILURE
    if not is_blamed or run.strategy == CONTROL:
        return jobs.give_up(run, move, outcome, reason)
    ended = jobs.fall_back(run, outcome, reason)
    if ended:
        breaker.note_failure(run.strategy, run.job.capture.sha256)
        log.warning("fell_back", strategy=run.strategy, outcome=outcome.value)
    return ended
