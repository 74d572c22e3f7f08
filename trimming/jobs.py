"""What can happen to a job, each as one short transaction around a conditional UPDATE.

"Not exactly one row" means that somebody else was first; nothing is changed then.  Who may ask for
what is decided by the views; what must follow is decided by moves.py and job_rules.py.
Leases and deadlines go by the clock of the database: those of machines may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from config.current import current
from trimming import breaker, job_rules
from trimming.blame import blame_at_end, blame_by_answer
from trimming.choices import Blame, JobStage, JobState, Priority, RunOutcome
from trimming.conf import trimming_settings
from trimming.fence import fence
from trimming.files import remove_leftovers
from trimming.models import AnyUser, Capture, Profile, TrimJob, TrimRun
from trimming.moves import Move, result, sources
from trimming.rates import measured_bytes_per_s
from trimming.routing import CONTROL
from trimming.routing_choices import Why
from trimming.routing_of_jobs import decided, is_outdated, is_overtaken
from trimming.shadow_queue import queue_shadow
from trimming.signals import job_changed, run_ended

# what a job has while a worker holds it, and loses with it
NO_LEASE: dict[str, Any] = {"lease_owner": "", "lease_until": None, "deadline_at": None}
# so many calls are enough for all workers of a machine, which call each other then
ENOUGH_CALLS: Final = 100
# a job that is decided anew at its next claim
NOT_ROUTED: dict[str, Any] = {"policy_version": None, "fence_epoch": None}


def apply_move(jobs: Any, move: Move, **values: Any) -> bool:
    """Apply ``move`` to the one job in the queryset ``jobs``; False when it was not legal."""
    changed: int = jobs.filter(state__in=sources(move)).update(state=result(move), **values)
    return changed == 1


def tell(job_id: UUID) -> None:
    """Tell the apps above, once what was done is committed."""
    transaction.on_commit(lambda: job_changed.send(TrimJob, job_id=job_id))


def create_job(
    capture: Capture,
    profile: Profile,
    requested_by: AnyUser,
    strategy_override: str = "",
    priority: int = Priority.NORMAL,
) -> TrimJob:
    """Make a job for ``capture``, make it the one that is shown, and call a worker."""
    now = timezone.now()
    assert requested_by.pk is not None  # views ask for a login
    with transaction.atomic():
        job = TrimJob.objects.create(
            capture=capture,
            profile=profile,
            requested_by_id=requested_by.pk,
            strategy_override=strategy_override,
            priority=priority,
            total_bytes=capture.size_bytes,
            created_at=now,
            queued_at=now,
        )
        Capture.objects.filter(pk=capture.pk).update(current_job=job)
        capture.current_job = job
        send(job.pk)
        tell(job.pk)
    return job


def send(job_id: UUID) -> None:
    """Call a worker because this job waits, once what was done is committed."""
    transaction.on_commit(lambda: call(job_id))


def call(job_id: UUID, *, only_if_nobody_is: bool = False) -> bool:
    """Send the workers the id of a job that waits, unless enough were called; tell whether it was.

    A worker does the job whose turn it is, and calls the next, so few calls are as good as many;
    and what is asked of the workers beside jobs must not stand behind thousands of them.
    """
    from django_q.brokers import get_broker
    from django_q.tasks import async_task

    if get_broker().queue_size() >= (1 if only_if_nobody_is else ENOUGH_CALLS):
        return False
    async_task("trimming.tasks.run_job", str(job_id))
    return True


def retry(job: TrimJob, requested_by: AnyUser) -> TrimJob | None:
    """Make a new job like one that ended without a result; None when there is nothing to retry."""
    with transaction.atomic():
        capture = Capture.objects.select_for_update().get(pk=job.capture_id)
        ended = job.state in (JobState.FAILED, JobState.REFUSED, JobState.CANCELLED)
        if not ended or capture.current_job_id != job.pk or not capture.has_original:
            return None
        return create_job(capture, job.profile, requested_by, job.strategy_override, job.priority)


def cancel(job_id: UUID) -> bool:
    """Cancel a waiting job at once, or ask the worker of a running one; False when it has ended."""
    now = timezone.now()
    mine = TrimJob.objects.filter(pk=job_id)
    with transaction.atomic():
        done = apply_move(mine, Move.CANCEL, finished_at=now, cancel_requested_at=now)
        if not done:
            done = bool(
                mine.filter(state=JobState.RUNNING, cancel_requested_at=None).update(
                    cancel_requested_at=now
                )
            )
        if done:
            tell(job_id)
    return done


def claim(
    job_id: UUID, worker: str, may_begin: Callable[[], bool] = lambda: True
) -> TrimRun | None:
    """Take a waiting job for ``worker``; None when it is not waiting any more, or may not begin.

    Counts the attempt, so that a job which kills its worker is not begun for ever.  ``may_begin``
    is asked in the transaction in which it is begun.
    """
    while True:
        job = TrimJob.objects.select_related("capture").filter(pk=job_id).first()
        if job is None or job.state != JobState.WAITING:
            return None
        routed = decided(job)
        allowed = job_rules.deadline_seconds(
            job.capture.size_bytes,
            measured_bytes_per_s(routed["routed_to"]),
            trimming_settings().least_deadline_seconds,
        )
        with guarded_from_rollbacks(routed["routed_to"]):
            # who takes the treatment away waits for all within: nothing more is done here
            if is_overtaken(routed):
                continue
            run = _begin(job, worker, routed, allowed) if may_begin() else None
            if run is None:
                return None
            tell(job_id)
        return TrimRun.objects.select_related("job__capture", "job__profile").get(pk=run.pk)


def guarded_from_rollbacks(strategy: str) -> AbstractContextManager[None]:
    """Return a transaction; under the fence where it gives or takes something of the treatment."""
    return transaction.atomic() if strategy == CONTROL else fence()


def _begin(job: TrimJob, worker: str, routed: dict[str, Any], allowed: float) -> TrimRun | None:
    settings = trimming_settings()
    size = job.capture.size_bytes
    now = timezone.now()
    won = apply_move(
        TrimJob.objects.filter(pk=job.pk, attempt=job.attempt),
        Move.CLAIM,
        attempt=job.attempt + 1,
        claimed_at=now,
        not_before=None,
        reason="",
        lease_owner=worker,
        lease_until=Now() + timedelta(seconds=settings.lease_seconds),
        deadline_seconds=allowed,
        deadline_at=Now() + timedelta(seconds=allowed),
        stage=JobStage.COPY,
        done_bytes=0,
        total_bytes=size,
        **routed,
    )
    if not won:
        return None
    return TrimRun.objects.create(
        job=job,
        attempt=job.attempt + 1,
        strategy=routed["routed_to"],
        arm=routed["arm"],
        policy_version=routed["policy_version"],
        fence_epoch=routed["fence_epoch"],
        worker=worker,
        started_at=now,
        input_bytes=size,
        config_version=current().version,
    )


def held(run: TrimRun) -> Any:
    """Return the queryset of the run's job, empty unless this very attempt still holds it."""
    return TrimJob.objects.filter(
        pk=run.job_id, attempt=run.attempt, lease_owner=run.worker, state=JobState.RUNNING
    )


def renew(run: TrimRun, stage: JobStage, done_bytes: int, total_bytes: int) -> bool:
    """Renew the lease and note the progress; False when the attempt no longer holds the job."""
    until = Now() + timedelta(seconds=trimming_settings().lease_seconds)
    renewed: int = held(run).update(
        lease_until=until, stage=stage, done_bytes=done_bytes, total_bytes=total_bytes
    )
    if renewed:
        tell(run.job_id)
    return renewed == 1


def publish(run: TrimRun, **values: Any) -> bool:
    """Publish the result of an attempt; False when it may not be.

    That is when the attempt no longer holds its job, and when the treatment that made it was rolled
    back meanwhile: then the job waits for the control.  ``values`` are the fields of the run that
    tell what came of it.
    """
    now = timezone.now()
    with guarded_from_rollbacks(run.strategy):
        if is_outdated(run):
            _send_back(run, Move.DISCARD, RunOutcome.DISCARDED, why=Why.ROLLED_BACK, **NOT_ROUTED)
            return False
        published = apply_move(
            held(run).filter(cancel_requested_at=None),
            Move.PUBLISH,
            published_run=run,
            finished_at=now,
            reason="",
            **NO_LEASE,
        )
        if published:
            end_run(run, RunOutcome.DONE, now, **values)
            tell(run.job_id)
            # whatever becomes of it, the result is served
            transaction.on_commit(lambda: queue_shadow(run), robust=True)
    return published


def fall_back(run: TrimRun, outcome: RunOutcome, reason: str) -> bool:
    """Let the control serve a job on which the treatment failed; False when it was taken away.

    It keeps its place before what was queued after it: whose fault it was waits for the control.
    """
    with transaction.atomic():
        return _send_back(
            run,
            Move.FALL_BACK,
            outcome,
            reason=reason,
            failed_on=run.strategy,
            queued_at=run.job.queued_at,
            **NOT_ROUTED,
        )


def put_off(run: TrimRun, outcome: RunOutcome, reason: str) -> bool:
    """Let a job wait until a fault around it may be over, or fail when it lasts too long.

    The attempt does not count against the job.  Returns False when it was taken away.
    """
    now = timezone.now()
    faults = TrimRun.objects.filter(job_id=run.job_id, outcome=outcome).count() + 1
    age = (now - run.job.created_at).total_seconds()
    delay = job_rules.delay_after_fault_seconds(faults, age, trimming_settings().outage_seconds)
    if delay is None:
        return give_up(run, Move.FAIL, outcome, reason)
    with transaction.atomic():
        done = apply_move(
            held(run),
            Move.PUT_OFF,
            not_before=Now() + timedelta(seconds=delay),
            stage="",
            done_bytes=0,
            forgiven=F("forgiven") + 1,
            reason=reason,
            **NO_LEASE,
        )
        if done:
            end_run(run, outcome, now, reason=reason)
            tell(run.job_id)
    return done


def _send_back(
    run: TrimRun, move: Move, outcome: RunOutcome, reason: str = "", **values: Any
) -> bool:
    """Let a job wait again, through no fault of its own: the attempt does not count against it."""
    now = timezone.now()
    back: dict[str, Any] = {"queued_at": now, "stage": "", "done_bytes": 0, **NO_LEASE}
    done = apply_move(held(run), move, **{**back, **values}, forgiven=F("forgiven") + 1)
    if done:
        end_run(run, outcome, now, reason=reason)
        send(run.job_id)
        tell(run.job_id)
    return done


def give_up(
    run: TrimRun, move: Move, outcome: RunOutcome, reason: str, blame: Blame | None = None
) -> bool:
    """End the job of an attempt without a result: REFUSE, FAIL or STOP."""
    now = timezone.now()
    with transaction.atomic():
        ended = apply_move(held(run), move, finished_at=now, reason=reason, **NO_LEASE)
        if ended:
            end_run(run, outcome, now, blame=blame, reason=reason)
            tell(run.job_id)
    return ended


def lose(run: TrimRun, outcome: RunOutcome, reason: str, *, forgiven: bool = False) -> bool:
    """Take the job from an attempt whose worker is gone: begin it anew, or fail past the limit."""
    now = timezone.now()
    with transaction.atomic():
        job = TrimJob.objects.filter(pk=run.job_id).first()
        if job is None:
            return False
        spared = job.forgiven + int(forgiven)
        left = job_rules.attempts_left(run.attempt, spared, trimming_settings().max_attempts)
        if job.cancel_requested_at is not None:
            done = apply_move(held(run), Move.STOP, finished_at=now, **NO_LEASE)
        elif left:
            done = apply_move(
                held(run),
                Move.REQUEUE,
                queued_at=now,
                stage="",
                done_bytes=0,
                forgiven=F("forgiven") + int(forgiven),
                **NO_LEASE,
            )
            if done:
                send(run.job_id)
        else:
            done = apply_move(held(run), Move.FAIL, finished_at=now, reason=reason, **NO_LEASE)
        if done:
            end_run(run, outcome, now, reason=reason)
            # robust: a storage that fails keeps nobody from the other jobs
            transaction.on_commit(lambda: remove_leftovers(run), robust=True)
            tell(run.job_id)
    return done


def end_run(
    run: TrimRun,
    outcome: RunOutcome,
    now: datetime,
    *,
    blame: Blame | None = None,
    **values: Any,
) -> None:
    """Write how an attempt ended, unless that is written already; tell the apps above if it was.

    ``blame`` is whose fault a refused output is, where that is not to be decided here.
    """
    is_control = run.strategy == CONTROL
    blame = blame or blame_at_end(outcome, is_control=is_control)
    ended = TrimRun.objects.filter(pk=run.pk, outcome=RunOutcome.RUNNING).update(
        outcome=outcome, finished_at=now, blame=blame or "", **values
    )
    if ended:
        if is_control and run.job.failed_on:
            _settle_blame(run, outcome, now)
        # robust: whoever counts what ended must not keep the job from what follows
        transaction.on_commit(lambda: run_ended.send(TrimRun, run_id=run.pk), robust=True)


def _settle_blame(answer: TrimRun, outcome: RunOutcome, now: datetime) -> None:
    """Decide whose fault it was that an output was refused, now that the control has ended."""
    blame = blame_by_answer(outcome)
    if blame is Blame.UNDECIDED:
        return
    waiting = TrimRun.objects.filter(job_id=answer.job_id, blame=Blame.UNDECIDED)
    strategies = list(waiting.values_list("strategy", flat=True))
    waiting.update(blame=blame, blamed_at=now)
    digest = answer.job.capture.sha256
    for strategy in strategies if blame is Blame.STRATEGY else ():
        transaction.on_commit(partial(breaker.note_failure, strategy, digest), robust=True)


def open_runs(condition: Q) -> list[TrimRun]:
    """Return the attempts of running jobs that meet ``condition`` (fields of TrimJob)."""
    jobs = TrimJob.objects.filter(condition, state=JobState.RUNNING)
    found = TrimRun.objects.filter(job__in=jobs, attempt=F("job__attempt"))
    return list(found.select_related("job__capture"))
