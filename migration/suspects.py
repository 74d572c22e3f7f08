"""What treatment served before a rollback: listed, run again on legacy, compared byte by byte.

Each step can be done again after a kill.  After a leak the outputs are in quarantine until their
second run gives the same bytes, or an approver releases them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Protocol

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from config.faults import type_and_place
from migration.choices import SuspectState
from migration.effects import QUARANTINED
from migration.models import Attempt, StepPolicy, Suspect
from trimming import quarantine
from trimming.choices import JobState, RunOutcome
from trimming.jobs import create_job
from trimming.models import Quarantine, TrimRun
from trimming.routing import CONTROL, TREATMENT

log = structlog.get_logger("pktmask.rollout")

PERMISSION: Final = "migration.release_suspect"
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


def rerun(suspects: Iterable[Suspect], actor: AbstractBaseUser | AnonymousUser | None) -> int:
    """Run suspects again on legacy; return how many.  Those that already do are left out."""
    done = 0
    for suspect in suspects:
        done += _rerun(suspect, actor)
    return done


def _rerun(suspect: Suspect, actor: AbstractBaseUser | AnonymousUser | None) -> bool:
    with transaction.atomic():
        claimed = Suspect.objects.filter(pk=suspect.pk, state=SuspectState.LISTED).update(
            state=SuspectState.RERUNNING
        )
        if not claimed:
            return False
        job = suspect.run.job
        capture = job.capture
        if capture.deleted_at is not None or not capture.has_original:
            _settle(suspect, SuspectState.NO_ORIGINAL)
            return False
        by = actor if actor is not None and actor.pk is not None else capture.owner
        new = create_job(capture, job.profile, by, CONTROL)
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


def release(suspect: Suspect, actor: AbstractBaseUser | AnonymousUser | None, reason: str) -> None:
    """Let an output be downloaded again, on an approver's word; raises SuspectRefusedError."""
    may = actor is None or (isinstance(actor, PermissionsMixin) and actor.has_perm(PERMISSION))
    if not may:
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
        state__in=(SuspectState.LISTED, SuspectState.RERUNNING, SuspectState.DIFFERENT)
    )


def as_row(suspect: Suspect) -> dict[str, Any]:
    """Return a suspect as plain values, with who has taken it away."""
    downloads = suspect.run.downloads.select_related("user").order_by("at")
    return {
        "suspect": suspect.pk,
        "capture": str(suspect.run.job.capture_id),
        "name": suspect.run.job.capture.name,
        "state": str(suspect.state),
        "in_quarantine": Quarantine.objects.in_force().filter(run=suspect.run_id).exists(),
        "differing_bytes": suspect.differing_bytes,
        "first_difference": suspect.first_difference,
        "downloaded": [f"{each.user} {each.at:%Y-%m-%d %H:%M:%S}" for each in downloads],
    }
