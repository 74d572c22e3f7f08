"""What treatment served before a rollback: listed, run again on legacy, compared byte by byte.

Each step can be done again after a kill.  After a leak the outputs are in quarantine until their
second run gives the same bytes, or an approver releases them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

import structlog
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from config.faults import type_and_place
from migration.choices import SuspectState
from migration.models import Attempt, StepPolicy, Suspect
from migration.restarting import QUARANTINED
from migration.wanted import Actor, is_allowed
from trimming import quarantine
from trimming.choices import JobState, RunOutcome
from trimming.jobs import create_job
from trimming.models import Download, TrimRun
from trimming.routing import CONTROL, TREATMENT

log = structlog.get_logger("pktmask.rollout")

PERMISSION: Final = "migration.release_suspect"
RERUN_PERMISSION: Final = "migration.operate_rollout"
# what can be run again: a second run that made nothing may do so the next time
RUN_AGAIN: Final = (SuspectState.LISTED, SuspectState.NOT_RERUN)
BATCH: Final = 500
CHUNK_BYTES: Final = 1 << 20
ENDED: Final = (JobState.DONE, JobState.FAILED, JobState.REFUSED, JobState.CANCELLED)


class Readable(Protocol):
    """An open file."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""


class SuspectRefusedError(Exception):
    """It cannot be done; the text says why."""


class Difference(NamedTuple):
    """How two outputs differ: bytes, and the offset of the first of them."""

    differing_bytes: int
    first: int | None


def list_suspects() -> int:
    """List what is suspect of every attempt that was rolled back; return how many are new."""
    found = 0
    waiting = Attempt.objects.filter(suspect_since__isnull=False, are_suspects_listed=False)
    for attempt in waiting.select_related("rollout"):
        found += _list(attempt)
        Attempt.objects.filter(pk=attempt.pk).update(are_suspects_listed=True)
    return found


def _list(attempt: Attempt) -> int:
    policies = StepPolicy.objects.filter(step__phase__attempt=attempt)
    runs = TrimRun.objects.filter(
        strategy=TREATMENT,
        outcome=RunOutcome.DONE,
        published_for__isnull=False,
        policy_version__in=list(policies.values_list("policy_version", flat=True)),
        finished_at__gte=attempt.suspect_since,
        suspect=None,
    ).order_by("pk")
    found = 0
    while batch := list(runs.values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            if attempt.cause in QUARANTINED:
                words = {"name": attempt.rollout.name, "rule": attempt.cause}
                reason = _(
                    "Scanning was rolled back (%(name)s, rule %(rule)s): this output may hold what "
                    "should be masked. It is offered again when legacy has made the same one."
                )
                quarantine.put(batch, reason % words)
            Suspect.objects.bulk_create(
                [Suspect(attempt=attempt, run_id=pk) for pk in batch], ignore_conflicts=True
            )
        found += len(batch)
    log.info("suspects_listed", attempt=attempt.pk, count=found)
    return found


def rerun(suspects: QuerySet[Suspect], actor: Actor) -> int:
    """Run suspects again on legacy; return how many.  Raises SuspectRefusedError."""
    ids = list(suspects.values_list("pk", flat=True))
    ask_again(Suspect.objects.filter(pk__in=ids), actor)
    return begin_reruns(Suspect.objects.filter(pk__in=ids))


def ask_again(suspects: QuerySet[Suspect], actor: Actor) -> int:
    """Ask for second runs; return how many.  The monitor begins them, so that nobody waits.

    Those that run already, and those that are settled, are left out.  Raises SuspectRefusedError
    without the permission.
    """
    if not is_allowed(actor, RERUN_PERMISSION):
        raise SuspectRefusedError(
            _("Only who holds the permission %(name)s may run it again.")
            % {"name": RERUN_PERMISSION}
        )
    with transaction.atomic():
        asked = suspects.filter(state__in=RUN_AGAIN).update(
            state=SuspectState.RERUNNING,
            rerun=None,
            asked_by=None if actor is None else actor.pk,
            looked_at=None,
        )
        if asked:
            record("suspects_rerun_asked", actor=actor, count=asked)
    return asked


def begin_reruns(suspects: QuerySet[Suspect] | None = None) -> int:
    """Make the jobs of second runs that were asked for; return how many.

    Each is done again after a kill, and by one process only.
    """
    waiting = Suspect.objects.all() if suspects is None else suspects
    waiting = waiting.filter(state=SuspectState.RERUNNING, rerun=None)
    done = 0
    # what is begun, or cannot be, waits no more
    while batch := waiting.select_related("run__job__capture__owner", "asked_by")[:BATCH]:
        done += sum(_begin(suspect) for suspect in batch)
    return done


def _begin(suspect: Suspect) -> bool:
    job = suspect.run.job
    capture, actor = job.capture, suspect.asked_by
    with transaction.atomic():
        # of two processes the second one waits here, and finds nothing more to do
        mine = Suspect.objects.select_for_update().filter(
            pk=suspect.pk, state=SuspectState.RERUNNING, rerun=None
        )
        if not mine.order_by().values_list("pk", flat=True).first():
            return False
        if capture.deleted_at is not None or not capture.has_original:
            _settle(suspect, SuspectState.NO_ORIGINAL)
            return False
        new = create_job(capture, job.profile, actor or capture.owner, CONTROL)
        Suspect.objects.filter(pk=suspect.pk).update(rerun=new)
        record("suspect_rerun", actor=actor, target=suspect, run=suspect.run_id, job=str(new.pk))
    return True


def compare_reruns() -> int:
    """Compare the outputs of those whose second run has ended; return how many."""
    waiting = Suspect.objects.filter(
        state=SuspectState.RERUNNING, rerun__state__in=ENDED
    ).select_related("run", "rerun__published_run")
    done = 0
    for suspect in waiting[:BATCH]:
        try:
            _compare(suspect)
        except OSError as error:  # of its files; it is tried again, and the others do not wait
            log.error("suspect_not_compared", suspect=suspect.pk, **type_and_place(error))
            continue
        done += 1
    return done


def _compare(suspect: Suspect) -> None:
    assert suspect.rerun is not None  # it is asked for
    second = suspect.rerun.published_run
    if suspect.rerun.state != JobState.DONE or second is None:
        _settle(suspect, SuspectState.NOT_RERUN)
        return
    if not (suspect.run.output and second.output):
        _settle(suspect, SuspectState.NO_ORIGINAL)
        return
    with suspect.run.output.open("rb") as first, second.output.open("rb") as other:
        found = difference(first, other)
    state = SuspectState.DIFFERENT if found.differing_bytes else SuspectState.SAME
    _settle(suspect, state, differing_bytes=found.differing_bytes, first_difference=found.first)
    if state is SuspectState.SAME:
        quarantine.release(suspect.run_id, reason=_("Legacy made the same output, byte by byte."))


def difference(first: Readable, second: Readable) -> Difference:
    """Count the bytes that differ, in one pass; what one of them lacks differs."""
    import numpy as np

    differing, offset, at = 0, 0, None
    while True:
        left, right = first.read(CHUNK_BYTES), second.read(CHUNK_BYTES)
        if not left and not right:
            return Difference(differing, at)
        shared = min(len(left), len(right))
        if left != right:
            unequal = np.flatnonzero(
                np.frombuffer(left, np.uint8, shared) != np.frombuffer(right, np.uint8, shared)
            )
            differing += len(unequal) + max(len(left), len(right)) - shared
            if at is None:
                at = offset + (int(unequal[0]) if len(unequal) else shared)
        offset += max(len(left), len(right))


def _settle(suspect: Suspect, state: SuspectState, **values: Any) -> None:
    Suspect.objects.filter(pk=suspect.pk).update(state=state, looked_at=timezone.now(), **values)


def release(suspect: Suspect, actor: Actor, reason: str) -> None:
    """Let an output be downloaded again, on an approver's word; raises SuspectRefusedError."""
    if not is_allowed(actor, PERMISSION):
        raise SuspectRefusedError(
            _("Only who holds the permission %(name)s may release it.") % {"name": PERMISSION}
        )
    if not reason.strip():
        raise SuspectRefusedError(_("Say why: a release needs a reason."))
    if not quarantine.release(suspect.run_id, actor=actor, reason=reason):
        raise SuspectRefusedError(_("It is not in quarantine."))


def unsettled() -> QuerySet[Suspect]:
    """Return the suspects whose originals must stay."""
    return Suspect.objects.filter(
        state__in=(*RUN_AGAIN, SuspectState.RERUNNING, SuspectState.DIFFERENT)
    )


def with_facts(suspects: QuerySet[Suspect]) -> QuerySet[Suspect]:
    """Return suspects with all that is shown of them, in two queries however many they are."""
    downloads = Download.objects.select_related("user").order_by("at", "pk")
    return (
        suspects.select_related("run__job__capture__owner", "run__quarantine")
        .defer("run__report")
        .prefetch_related(Prefetch("run__downloads", queryset=downloads))
    )


def as_row(suspect: Suspect) -> dict[str, Any]:
    """Return a suspect of ``with_facts`` as plain values, with who has taken it away."""
    return {
        "suspect": suspect.pk,
        "capture": str(suspect.run.job.capture_id),
        "name": suspect.run.job.capture.name,
        "state": str(suspect.state),
        "in_quarantine": suspect.run.quarantine_in_force is not None,
        "differing_bytes": suspect.differing_bytes,
        "first_difference": suspect.first_difference,
        "downloaded": [
            f"{each.user} {each.at:%Y-%m-%d %H:%M:%S}" for each in suspect.run.downloads.all()
        ],
    }
