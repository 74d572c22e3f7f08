"""One attempt at a job: claim, private copy, engine, storage, publishing.

The engine is pure; this is the shell around it.  Between chunks the lease is renewed and the wish
to cancel, the deadline and the loss of the lease are looked for.
"""

from __future__ import annotations

import errno
import resource
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import ValidationError

from config.faults import type_and_place
from trimming import breaker, drills, jobs
from trimming.apart.process import DiedError, Doing, Tell, Values, here
from trimming.apart.words import STRANGE, ForeignError, NetworkError
from trimming.choices import JobStage, RunOutcome
from trimming.conf import trimming_settings, worker_settings
from trimming.engine.errors import (
    CancelledError,
    EngineError,
    InputError,
    OutputError,
    VerificationError,
)
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy
from trimming.facts import Facts, facts_of
from trimming.files import (
    CountedFile,
    copy_out,
    private_folder,
    private_name,
    remove_leftovers,
    work_root,
)
from trimming.models import TrimJob, TrimRun, output_path
from trimming.moves import Move
from trimming.outcomes import end_without_result
from trimming.routing import CONTROL
from trimming.sweeper import late_reason
from trimming.throttle import Throttle
from trimming.waiting import claim_next
from trimming.worker_limits import (
    OWN_LIMITS,
    CpuTimeError,
    limit_behind,
    replace_worker,
    room_behind,
)

log = structlog.get_logger("pktmask.runner")


class LeaseLostError(CancelledError):
    """Somebody else has the job now; nothing of this attempt may be published."""


class DeadlineError(CancelledError):
    """The job ran longer than it may."""


# the first kind that fits an error says how the attempt and its job end
ENDS: tuple[tuple[type[BaseException], Move, RunOutcome], ...] = (
    (DeadlineError, Move.FAIL, RunOutcome.LATE),
    (CancelledError, Move.STOP, RunOutcome.CANCELLED),
    (InputError, Move.REFUSE, RunOutcome.REFUSED),
    (VerificationError, Move.FAIL, RunOutcome.UNVERIFIED),
    # what is missing stays missing
    (FileNotFoundError, Move.FAIL, RunOutcome.BROKEN),
    # the output's disk as well: EngineError would blame the strategy
    (OutputError, Move.PUT_OFF, RunOutcome.BROKEN),
    (OSError, Move.PUT_OFF, RunOutcome.BROKEN),
    (DatabaseError, Move.PUT_OFF, RunOutcome.BROKEN),
    (BaseException, Move.FAIL, RunOutcome.FAILED),
)


def run_next(worker: str, doing: Doing = here) -> None:
    """Do one attempt at the job whose turn it is, if one may begin; ``doing`` is how and where."""
    run = claim_next(worker)
    if run is None:
        log.info("nothing_to_claim")
    else:
        _do(run, doing)


def run_job(job_id: UUID, worker: str, doing: Doing = here) -> None:
    """Do one attempt at this job, if it is still waiting."""
    run = jobs.claim(job_id, worker)
    if run is None:
        log.info("nothing_to_claim", job_id=str(job_id))
    else:
        _do(run, doing)


def _do(run: TrimRun, doing: Doing) -> None:
    about = {"job_id": str(run.job_id), "attempt": run.attempt, "strategy": run.strategy}
    with structlog.contextvars.bound_contextvars(**about):
        log.info("run_started")
        try:
            _attempt(run, doing)
        finally:
            close_old_connections()


def _attempt(run: TrimRun, doing: Doing) -> None:
    watch = Watch(run)
    try:
        with private_folder(private_name(run)) as folder, room_behind():
            facts, output = _trim(run, folder, watch, doing)
            _publish(run, facts, output, watch)
        return
    except LeaseLostError:
        log.warning("lease_lost")
        return
    except DiedError as error:
        # as when a worker is lost: it may have been the machine, and another attempt may end well
        reason = _("The process that read the capture was lost: %(how)s.") % {"how": str(error)}
        lost = jobs.lose(run, RunOutcome.LOST, reason)
        log.warning("reader_lost", how=str(error), recorded=lost)
        return
    except (Exception, CpuTimeError) as error:  # a strategy may fail in any way; the job must end
        found = limit_behind(error)
        move, outcome = next((m, o) for kind, m, o in ENDS if isinstance(found, kind))
        if getattr(found, "errno", None) in OWN_LIMITS:
            move = Move.FAIL  # its own limit: another attempt ends the same way
        reason = _reason(found, run)
        may_be_stored = isinstance(found, DatabaseError)
        if isinstance(found, MemoryError):
            replace_worker()
        del found
    # the error is gone, and with it all that its frames held in memory
    ended = end_without_result(run, move, outcome, reason)
    if ended and may_be_stored:
        # now it is known that the output is not published; if it cannot be removed, upkeep does it
        with suppress(OSError):
            remove_leftovers(run)
    log.info("run_ended", outcome=outcome.value, recorded=ended)


def _reason(error: BaseException, run: TrimRun) -> str:
    """Return the sentence that a person reads; never payload, and no path of this machine."""
    match error:
        case DeadlineError():
            return late_reason(run.job.deadline_seconds)
        case CancelledError():
            return ""
        case InputError():
            place = {
                "offset": f"{error.offset:,}",
                "expected": error.expected,
                "found": error.found,
            }
            return _("Byte %(offset)s: expected %(expected)s, found %(found)s.") % place
        case NetworkError():
            return _("What reads captures asked for the network, which it may not use.")
        case EngineError():
            folder = work_root() / private_name(run)
            name = run.job.capture.name
            return str(error).replace(f"{folder}/input", name).replace(f"{folder}/output", name)
        case MemoryError():
            return _("The job needs more memory than a worker may use (%(setting)s).") % {
                "setting": f"workers.memory_bytes: {worker_settings().memory_bytes:,}"
            }
        case CpuTimeError():
            return _("The job needs more CPU time than it may take (%(setting)s).") % {
                "setting": f"workers.cpu_seconds: {worker_settings().cpu_seconds:,.0f}"
            }
        case OSError(errno=errno.EMFILE):
            return _("The job needs more open files than a worker may have (%(setting)s).") % {
                "setting": f"workers.open_files: {worker_settings().open_files:,}"
            }
        case OSError(errno=errno.EFBIG):
            return _("The job writes a larger file than it may (%(setting)s).") % {
                "setting": f"workers.file_bytes: {worker_settings().file_bytes:,}"
            }
        case OSError():
            why = {"error": error.strerror or "?"}
            return _("The storage or the disk failed: %(error)s.") % why
        case ForeignError():
            where = {"kind": error.kind, "place": error.place}
            return _("The strategy failed: %(kind)s at %(place)s.") % where
        case _:
            # the text of an unforeseen error may quote payload, so only its kind and place are kept
            return _("The strategy failed: %(kind)s at %(place)s.") % type_and_place(error)


def _trim(run: TrimRun, folder: Path, watch: Watch, doing: Doing) -> tuple[Facts, Path]:
    source, target = folder / "input", folder / "output"
    original = run.job.capture.original
    size = run.job.capture.size_bytes
    fault = drills.fault_of(run)
    fault.before_copy()
    copy_out(original, source, lambda done: watch.look(JobStage.COPY, done, size))
    # all that is asked of the database, before what may run without it
    strategy = fault.afflict(load_strategy(run.strategy, settings.TRIMMING_STRATEGIES))
    options = run.job.profile.trim_options()

    def work(tell: Tell) -> Values:
        report = trim(
            source,
            target,
            lambda: strategy,
            options,
            clock=time.perf_counter,
            peak_rss_bytes=peak_rss_bytes,
            progress=tell,
        )
        return facts_of(report).model_dump()

    def told(stage: str, done: int, total: int) -> None:
        watch.look(JobStage(stage), done, total)

    values = doing(work, told, folder)
    try:
        facts = Facts.model_validate(values)
    except ValidationError:
        raise DiedError(STRANGE) from None
    if not stat.S_ISREG(target.lstat().st_mode) or target.lstat().st_nlink != 1:
        raise DiedError(gettext_noop("what it left is no file of its own"))
    source.unlink()  # makes room, and leaves less to remove to whoever stops the job now
    return facts, target


def _publish(run: TrimRun, facts: Facts, output: Path, watch: Watch) -> None:
    size = output.stat().st_size
    try:
        with CountedFile(output, lambda done: watch.look(JobStage.STORE, done, size)) as file:
            stored = run.output.storage.save(output_path(run), file)
        watch.look(JobStage.STORE, size, size, now=True)
    except BaseException:
        run.output.storage.delete(output_path(run))
        raise
    kept = {**facts.model_dump(), "output": stored, "output_sha256": file.sha256}
    # where this raises nobody knows whether it was committed: what a row may name must stay
    if not jobs.publish(run, **kept):
        run.output.storage.delete(output_path(run))
        # between the last look and publishing: the next look says why
        watch.look(JobStage.STORE, size, size, now=True)
        raise LeaseLostError("the attempt no longer holds its job")
    if run.strategy != CONTROL:
        breaker.note_success(run.strategy)
    log.info(
        "run_published", duration_ms=round(facts.duration_ms), bytes=run.job.capture.size_bytes
    )


class Watch:
    """Renews the lease of an attempt, and says when it must stop, every few hundred ms."""

    def __init__(self, run: TrimRun) -> None:
        self._run = run
        self._due = Throttle(trimming_settings().beat_seconds, time.monotonic)
        self._stage: JobStage | None = None

    def look(
        self, stage: JobStage, done_bytes: int, total_bytes: int, *, now: bool = False
    ) -> None:
        """Note the progress; raise LeaseLostError, DeadlineError or CancelledError."""
        if not (now or self._due() or stage != self._stage):
            return
        self._stage = stage
        if not jobs.renew(self._run, stage, done_bytes, total_bytes):
            raise LeaseLostError("the attempt no longer holds its job")
        asked = TrimJob.objects.filter(pk=self._run.job_id).annotate(
            is_late=Q(deadline_at__isnull=False, deadline_at__lte=Now())
        )
        cancel_requested_at, is_late = asked.values_list("cancel_requested_at", "is_late").get()
        if cancel_requested_at is not None:
            raise CancelledError("somebody asked to stop")
        if is_late:
            raise DeadlineError("past the deadline")


def peak_rss_bytes() -> int:
    """Return the largest resident size that this process has had."""
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
