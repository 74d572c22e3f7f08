"""Tasks of upkeep as the page and the command show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from pktmask_site.recovery.choices import UNDER_WAY
from pktmask_site.recovery.keeping import is_due, next_at
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.upkeep import Task


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task with its newest run, what is under way, and when it is due next."""

    task: Task
    newest: UpkeepRun | None
    under_way: UpkeepRun | None
    next_at: datetime | None
    is_due: bool


def newest_runs() -> dict[str, UpkeepRun]:
    """Return the newest run of each task that has ended; dry runs are left out."""
    ended = UpkeepRun.objects.filter(is_dry=False).exclude(state__in=UNDER_WAY)
    of_task = ended.filter(task=OuterRef("task")).order_by("-ended_at", "-pk").values("pk")[:1]
    return {run.task: run for run in ended.filter(pk=Subquery(of_task))}


def task_rows(tasks: tuple[Task, ...], now: datetime) -> list[TaskRow]:
    """Return the tasks as rows of the page."""
    newest = newest_runs()
    under_way = {run.task: run for run in UpkeepRun.objects.filter(state__in=UNDER_WAY)}
    return [_row(task, newest.get(task.name), under_way.get(task.name), now) for task in tasks]


def _row(
    task: Task, newest: UpkeepRun | None, under_way: UpkeepRun | None, now: datetime
) -> TaskRow:
    last, hours = None if newest is None else newest.ended_at, task.hours()
    return TaskRow(task, newest, under_way, next_at(last, now, hours), is_due(last, now, hours))
