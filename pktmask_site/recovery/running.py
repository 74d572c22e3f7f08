"""Running tasks of upkeep, each with a row that says what came of it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import psutil
import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from config.audit import record
from config.faults import type_and_place
from pktmask_site.audit_log import verification  # noqa: F401 - importing registers
from pktmask_site.recovery import clearing, database_upkeep, scheduled  # noqa: F401 - importing registers
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.keeping import is_due
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.upkeep import Done, Task, tasks

log = structlog.get_logger("pktmask.upkeep")
# a run on another machine that says nothing for so long has been cut off
CUT_OFF: Final = timedelta(hours=12)
ENDED: Final = (UpkeepState.DONE, UpkeepState.FOUND, UpkeepState.FAILED)


def ask(
    task: Task, actor: AbstractBaseUser | AnonymousUser, now: datetime, *, is_dry: bool
) -> UpkeepRun:
    """Ask for a run; the monitor has it made.  One that waits already is not asked for twice."""
    with transaction.atomic():
        waiting = UpkeepRun.objects.filter(
            task=task.name, state=UpkeepState.ASKED, is_dry=is_dry
        ).first()
        if waiting is not None:
            return waiting
        asked = UpkeepRun.objects.create(
            task=task.name,
            state=UpkeepState.ASKED,
            is_dry=is_dry,
            asked_at=now,
            asked_by_id=actor.pk,
        )
        record("upkeep_asked", actor=actor, target=asked, task=task.name, is_dry=is_dry)
    return asked


def due(now: datetime) -> list[Task]:
    """Return the tasks whose time has come; a run that failed counts as well."""
    ended = UpkeepRun.objects.filter(is_dry=False, state__in=ENDED).values_list("task")
    last = dict(ended.annotate(at=Max("ended_at")).order_by())
    return [task for task in tasks.all() if is_due(last.get(task.name), now, task.hours())]


def is_anything_asked() -> bool:
    """Tell whether somebody waits for a run."""
    return UpkeepRun.objects.filter(state=UpkeepState.ASKED).exists()


def run_due() -> list[UpkeepRun]:
    """Run what was asked for, and then what is due."""
    return run_asked() + run_all(due(timezone.now()), is_dry=False)


def run_asked() -> list[UpkeepRun]:
    """Run what was asked for."""
    end_cut_off(timezone.now())
    found = []
    for asked in UpkeepRun.objects.filter(state=UpkeepState.ASKED).order_by("asked_at", "pk"):
        task = tasks.named(asked.task)
        if task is not None and _claim(asked):
            found.append(_run(task, asked))
    return found


def run_all(wanted: Iterable[Task], *, is_dry: bool) -> list[UpkeepRun]:
    """Run tasks now; one that runs already in another process is left out."""
    found = []
    for task in wanted:
        now = timezone.now()
        row = UpkeepRun(task=task.name, is_dry=is_dry, asked_at=now, state=UpkeepState.ASKED)
        row.save()
        if _claim(row):
            found.append(_run(task, row))
        else:
            row.delete()
    return found


def _claim(row: UpkeepRun) -> bool:
    """Begin a run, unless somebody else has, or the task is running."""
    row.began_at, row.process, row.state = timezone.now(), _this_process(), UpkeepState.RUNNING
    try:
        with transaction.atomic():
            waiting = UpkeepRun.objects.filter(pk=row.pk, state=UpkeepState.ASKED)
            return waiting.update(state=row.state, began_at=row.began_at, process=row.process) == 1
    except IntegrityError:
        return False


def _run(task: Task, row: UpkeepRun) -> UpkeepRun:
    try:
        done = task.run(timezone.now(), row.is_dry)
    except BackupError as error:
        _end(row, UpkeepState.FAILED, Done(str(error)))
    except Exception as error:  # a task may fail in any way; its text may hold anything
        facts = type_and_place(error)
        log.error("upkeep_failed", task=task.name, **facts)
        _end(row, UpkeepState.FAILED, Done(_("%(kind)s at %(place)s") % facts, dict(facts)))
    else:
        _end(row, UpkeepState.FOUND if done.needs_look else UpkeepState.DONE, done)
    return row


def _end(row: UpkeepRun, state: UpkeepState, done: Done) -> None:
    row.state, row.sentence, row.details = state, done.sentence, done.details
    row.ended_at = timezone.now()
    row.save(update_fields=["state", "sentence", "details", "ended_at"])


def end_cut_off(now: datetime) -> int:
    """End the runs whose process is gone; return how many."""
    ended = 0
    for row in UpkeepRun.objects.filter(state=UpkeepState.RUNNING):
        if _is_gone(row, now):
            ended += UpkeepRun.objects.filter(pk=row.pk, state=UpkeepState.RUNNING).update(
                state=UpkeepState.FAILED, ended_at=now, sentence=_("It was cut off.")
            )
    return ended


def _this_process() -> str:
    return f"{socket.gethostname()[:64]}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def _is_gone(row: UpkeepRun, now: datetime) -> bool:
    machine, _slash, rest = row.process.partition("/")
    if machine == socket.gethostname()[:64]:
        number, _slash, since = rest.partition("/")
        try:
            return f"{psutil.Process(int(number)).create_time():.2f}" != since
        except psutil.NoSuchProcess:
            return True
    return row.began_at is not None and now - row.began_at > CUT_OFF
