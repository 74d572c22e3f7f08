"""How an attempt ends that has no result: who is to blame for it, and who serves instead."""

from __future__ import annotations

import structlog
from django.utils.translation import gettext as _

from trimming import breaker, jobs
from trimming.blame import blame_at_end, kind_of
from trimming.choices import OUTCOME_KINDS, OutcomeKind, RunOutcome
from trimming.fence import fence
from trimming.models import TrimRun
from trimming.moves import Move
from trimming.policy import is_legacy_retired
from trimming.routing import CONTROL

log = structlog.get_logger("pktmask.runner")


def end_without_result(run: TrimRun, move: Move, outcome: RunOutcome, reason: str) -> bool:
    """End an attempt; the control serves a job on which the treatment failed.

    While legacy is retired nobody does, and the job fails.  Returns False when the attempt no
    longer held its job.
    """
    if move is Move.PUT_OFF:
        return jobs.put_off(run, outcome, reason)
    has_failed = OUTCOME_KINDS[outcome] is OutcomeKind.STRATEGY_FAILURE
    if not has_failed or run.strategy == CONTROL:
        return jobs.give_up(run, move, outcome, reason)
    # a rollback brings legacy back: it comes before this, or after it
    with fence():
        is_retired = is_legacy_retired()
        blame = blame_at_end(outcome, is_control=False, is_alone=is_retired)
        if is_retired:
            ended = jobs.give_up(run, move, outcome, f"{reason} {_nobody_else()}", blame)
        else:
            ended = jobs.fall_back(run, outcome, reason)
    if ended:
        if kind_of(outcome, blame) is OutcomeKind.STRATEGY_FAILURE:
            breaker.note_failure(run.strategy, run.job.capture.sha256)
        event = "failed_without_fallback" if is_retired else "fell_back"
        log.warning(event, strategy=run.strategy, outcome=outcome.value)
    return ended


def _nobody_else() -> str:
    return _(
        "Legacy is retired, so nobody else serves the capture. An emergency rollback brings legacy"
        " back; retry it after that."
    )
