"""Comparisons in the background as rows: queued, handed out, claimed, ended, taken back.

Each step is one conditional UPDATE; "not exactly one row" means that somebody else was first.
Nothing here touches what is served.  Few ids are given to the workers at a time, so that a job
never stands behind comparisons in their queue.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from config.languages.told import in_record
from trimming import shadow_rules
from trimming.capacity import workers
from trimming.choices import JobState
from trimming.conf import routing_settings, trimming_settings
from trimming.models import RoutingPolicy, Shadow, TrimJob, TrimRun
from trimming.policy import newest_policy
from trimming.routing import is_shadowed
from trimming.routing_choices import ShadowOutcome, ShadowState
from trimming.signals import shadow_ended

log = structlog.get_logger("pktmask.shadows")

# a worker that is past the deadline by so long does not look at clocks any more; it is ended
HANG_SECONDS: Final = 30
# what a comparison has while a worker holds it, and loses with it
NO_LEASE: Final[dict[str, Any]] = {"worker": "", "lease_until": None}


def queue_shadow(run: TrimRun) -> Shadow | None:
    """Queue the comparison of a capture whose result was published, if the policy wants it.

    Captures that were compared under this salt are not compared again.  Beyond the limit it is
    kept as left out.
    """
    row = newest_policy()
    digest = run.job.capture.sha256
    if not is_shadowed(row.as_policy(), digest) or _is_known(row, digest):
        return None
    now = timezone.now()
    limit = routing_settings().shadow_pending_files
    is_full = Shadow.objects.filter(state=ShadowState.WAITING).count() >= limit
    left_out: dict[str, Any] = {
        "state": ShadowState.DROPPED,
        "finished_at": now,
        "reason": _("So many were waiting already: %(count)s (routing.shadow_pending_files).")
        % {"count": f"{limit:,}"},
    }
    shadow, _made = Shadow.objects.get_or_create(
        job_id=run.job_id,
        defaults={
            "digest": digest,
            "policy_version": row.version,
            "fence_epoch": row.fence_epoch,
            "queued_at": now,
            **(left_out if is_full else {}),
        },
    )
    if is_full:
        log.info("shadow_left_out", job_id=str(run.job_id))
    return shadow


def _is_known(row: RoutingPolicy, digest: str) -> bool:
    versions = RoutingPolicy.objects.filter(salt=row.salt).values("version")
    found = Shadow.objects.filter(digest=digest, policy_version__in=versions)
    return found.filter(_open() | Q(state=ShadowState.DONE) & _by_this_build()).exists()


def _open() -> Q:
    return Q(state__in=(ShadowState.WAITING, ShadowState.RUNNING))


def _by_this_build() -> Q:
    """Return what holds of comparisons by the newest versions that were seen of both strategies.

    Evidence begins anew with a build; strategies are costly to load, so rows are asked.  What was
    ignored before a strategy was loaded has no version.
    """
    loaded = Shadow.objects.filter(state=ShadowState.DONE).exclude(treatment_version="")
    newest = loaded.order_by("-finished_at").values("control_version", "treatment_version").first()
    return Q() if newest is None else Q(**newest) | Q(treatment_version="")


def comparing(prefix: str = "") -> int:
    """Return how many comparisons workers are busy with whose name begins with ``prefix``."""
    running = Shadow.objects.filter(state=ShadowState.RUNNING, lease_until__gte=Now())
    return running.filter(worker__startswith=prefix).count()


def flow(now: datetime) -> shadow_rules.Flow:
    """Return how comparisons come at present: one query."""
    lately = now - timedelta(seconds=shadow_rules.LATELY_SECONDS)
    waiting, running = Q(state=ShadowState.WAITING), Q(state=ShadowState.RUNNING)
    ended = Q(state__in=(ShadowState.DONE, ShadowState.BROKEN), finished_at__gte=lately)
    found = Shadow.objects.filter(waiting | running | ended).aggregate(
        waiting=Count("pk", filter=waiting),
        running=Count("pk", filter=running),
        ended=Count("pk", filter=ended),
        oldest=Min("queued_at", filter=waiting),
    )
    oldest = found.pop("oldest") or now
    return shadow_rules.Flow(oldest_seconds=(now - oldest).total_seconds(), **found)


def hand_out() -> int:
    """Give the ids of waiting comparisons to workers that nobody else needs; return how many."""
    from django_q.tasks import async_task

    free = Shadow.objects.filter(_is_free(), state=ShadowState.WAITING)
    if not free.exists():
        return 0  # as nearly always
    until = Now() + timedelta(seconds=trimming_settings().resend_seconds)
    seconds = int(routing_settings().shadow_deadline_seconds) + HANG_SECONDS
    sent = 0
    for shadow_id in list(free.order_by("queued_at").values_list("pk", flat=True)[: _room()]):
        mine = Shadow.objects.filter(_is_free(), pk=shadow_id, state=ShadowState.WAITING)
        if mine.update(lease_until=until):
            # the cluster ends a worker that does not come back
            async_task("trimming.tasks.run_shadow", str(shadow_id), timeout=seconds)
            sent += 1
    return sent


def _is_free() -> Q:
    """Return what holds of a waiting one that no worker was told of, or whose message was lost."""
    return Q(lease_until=None) | Q(lease_until__lt=Now())


def _room(*, besides: UUID | None = None) -> int:
    """Return how many may begin; ``besides`` is not counted among those that have."""
    begun = Shadow.objects.filter(_open(), lease_until__gte=Now())
    if besides is not None:
        begun = begun.exclude(pk=besides)
    return shadow_rules.room(
        workers=workers(),
        serving=TrimJob.objects.filter(state=JobState.RUNNING).count(),
        waiting=TrimJob.objects.filter(state=JobState.WAITING).count(),
        comparing=begun.count(),
    )


def claim(shadow_id: UUID, worker: str) -> Shadow | None:
    """Take a waiting comparison for ``worker``; None when it may not begin (any more, or yet)."""
    now = timezone.now()
    with transaction.atomic():
        mine = Shadow.objects.filter(pk=shadow_id, state=ShadowState.WAITING)
        shadow = mine.first()
        if shadow is None:
            return None
        if shadow.fence_epoch != newest_policy().fence_epoch:
            drop(mine)
            return None
        if not _room(besides=shadow_id):
            # jobs came between; it is handed out again when there is room
            mine.update(lease_until=None)
            return None
        won = mine.filter(attempt=shadow.attempt).update(
            state=ShadowState.RUNNING,
            attempt=shadow.attempt + 1,
            worker=worker,
            started_at=now,
            lease_until=Now() + timedelta(seconds=trimming_settings().lease_seconds),
        )
    if not won:
        return None
    return Shadow.objects.select_related("job__capture", "job__profile").get(pk=shadow_id)


def _held(shadow: Shadow) -> QuerySet[Shadow]:
    """Return the row, and none unless this very attempt still holds it."""
    return Shadow.objects.filter(
        pk=shadow.pk, state=ShadowState.RUNNING, attempt=shadow.attempt, worker=shadow.worker
    )


def renew(shadow: Shadow) -> bool:
    """Renew the lease; False when the attempt no longer holds the comparison."""
    until = Now() + timedelta(seconds=trimming_settings().lease_seconds)
    return _held(shadow).update(lease_until=until) == 1


def end(shadow: Shadow, state: ShadowState, **values: Any) -> bool:
    """Write what came of an attempt; False when it no longer holds the comparison."""
    with transaction.atomic():
        ended = _held(shadow).update(
            state=state, finished_at=timezone.now(), lease_until=None, **values
        )
        if ended:
            _tell(shadow.pk)
    return ended == 1


def drop_outdated() -> int:
    """Leave out what was queued before the newest rollback; return how many."""
    epoch = newest_policy().fence_epoch
    return drop(Shadow.objects.filter(state=ShadowState.WAITING).exclude(fence_epoch=epoch))


def drop(waiting: QuerySet[Shadow]) -> int:
    """Leave out waiting comparisons because everything went back to the control."""
    with in_record():
        reason = _("Everything was sent to legacy before it was begun.")
    with transaction.atomic():
        ids = list(waiting.values_list("pk", flat=True))
        dropped = Shadow.objects.filter(pk__in=ids, state=ShadowState.WAITING).update(
            state=ShadowState.DROPPED, finished_at=timezone.now(), reason=reason, **NO_LEASE
        )
        for shadow_id in ids:
            _tell(shadow_id)
    return dropped


def take_back_lost() -> int:
    """Take comparisons from workers that are silent; return how many."""
    lost = Shadow.objects.filter(state=ShadowState.RUNNING, lease_until__lt=Now())
    return sum(_take_back(shadow) for shadow in lost)


def take_back(worker_prefix: str, *, forgiven: bool) -> int:
    """Take comparisons from workers that are known to be gone; return how many.

    ``forgiven`` attempts, after an orderly stop, do not count.  What was handed out and not begun
    is handed out again at once.
    """
    Shadow.objects.filter(state=ShadowState.WAITING).update(lease_until=None)
    gone = Shadow.objects.filter(state=ShadowState.RUNNING, worker__startswith=worker_prefix)
    return sum(_take_back(shadow, forgiven=forgiven) for shadow in gone)


def _take_back(shadow: Shadow, *, forgiven: bool = False) -> bool:
    if not (forgiven or shadow_rules.may_begin_again(shadow.attempt)):
        return end(
            shadow,
            ShadowState.BROKEN,
            outcome=ShadowOutcome.IGNORED,
            reason=_("The worker stopped answering, and the comparison was begun too often."),
        )
    taken = _held(shadow).update(
        state=ShadowState.WAITING, attempt=F("attempt") - int(forgiven), **NO_LEASE
    )
    if taken:
        log.warning("shadow_taken_back", shadow_id=str(shadow.pk), attempt=shadow.attempt)
    return taken == 1


def _tell(shadow_id: UUID) -> None:
    """Tell the apps above, once what was done is committed."""
    transaction.on_commit(lambda: shadow_ended.send(Shadow, shadow_id=shadow_id))
