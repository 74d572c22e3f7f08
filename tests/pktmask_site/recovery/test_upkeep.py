"""Tasks of upkeep: a dry run changes nothing, each run leaves a row, and one runs at a time."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from monitoring.alerts.inbox import inbox
from pktmask_site.recovery import running, scheduled
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.registered import SETTLED_SECONDS, Upkeep
from pktmask_site.recovery.upkeep import Done, Task, tasks
from tests.factories import make_capture, make_user
from tests.pktmask_site.recovery.conftest import back_up, listing
from trimming.models import Capture

pytestmark = pytest.mark.django_db
OLD = timedelta(days=30)


def task(run: Any, name: str = "a_task") -> Task:
    return Task(name, "A task", "It does something.", run)


def make_old(path: Path) -> None:
    then = (timezone.now() - OLD).timestamp()
    os.utime(path, (then, then))


@pytest.fixture
def untidy(data_dir: Path) -> Capture:
    """Leave something for every task."""
    capture = make_capture(make_user())
    Capture.objects.filter(pk=capture.pk).update(uploaded_at=timezone.now() - OLD)
    for name in ("files/originals/orphan", "files/outputs/x/1", "incoming/stale"):
        path = data_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
        make_old(path)
    for days in (0, 1, 40):
        made = timezone.now() - timedelta(days=days)
        back_up(scheduled.backup_folder() / f"{made:{scheduled.NAME}}")
    return capture


@pytest.fixture
def in_data_dir(settings: Any, data_dir: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = data_dir / "incoming"


def test_a_dry_run_of_every_task_changes_nothing_and_says_what_it_would_do(
    data_dir: Path, in_data_dir: None, untidy: Capture
) -> None:
    before = listing(data_dir)
    runs = running.run_all(tasks.all(), is_dry=True)
    assert [run.task for run in runs] == [each.name for each in tasks.all()]
    assert {run.state for run in runs} == {UpkeepState.DONE}
    assert all(run.sentence for run in runs)
    assert listing(data_dir) == before
    assert {each.name for each in running.due(timezone.now())} == {x.name for x in tasks.all()}


def test_what_is_left_is_cleared_and_what_is_needed_stays(
    data_dir: Path, in_data_dir: None, untidy: Capture
) -> None:
    names = ["orphans", "uploads", "old_backups", "database", "sessions", "metrics", "reports"]
    names.append("history")
    found = {
        run.task: run
        for run in running.run_all(
            [each for each in tasks.all() if each.name in names], is_dry=False
        )
    }
    assert found["orphans"].details["files"] == 2
    assert found["orphans"].details["rows"] == 0
    assert found["uploads"].details["count"] == 1
    assert found["old_backups"].details == {"gone": 1, "kept": 2}
    assert (data_dir / "files" / str(untidy.original.name)).exists()
    assert not (data_dir / "files" / "originals" / "orphan").exists()


def test_rows_without_their_file_are_named_and_need_a_look(data_dir: Path) -> None:
    capture = make_capture(make_user())
    (data_dir / "files" / str(capture.original.name)).unlink()
    (run,) = running.run_all([tasks.named("orphans")], is_dry=False)  # type: ignore[list-item]  # it is registered
    assert run.state == UpkeepState.FOUND
    assert run.details["missing"] == [capture.original.name]
    conditions = {each.rule for each in inbox.found(timezone.now()).conditions}
    assert "upkeep_failing" in conditions


def test_a_task_that_fails_leaves_a_row_without_the_text_of_its_error() -> None:
    def fail(*_: object) -> Done:
        raise ValueError("secret payload")

    (run,) = running.run_all([task(fail)], is_dry=False)
    run.refresh_from_db()
    assert run.state == UpkeepState.FAILED
    assert run.sentence.startswith("ValueError at ")
    assert "secret" not in json.dumps(run.details)


@pytest.mark.parametrize(
    ("name", "rule"), [("backup", "backup_failing"), ("restore_drill", "restore_drill_failing")]
)
def test_a_failed_backup_or_drill_is_an_alert_until_it_works_again(name: str, rule: str) -> None:
    def refuse(*_: object) -> Done:
        raise BackupError("There is no room.")

    running.run_all([task(refuse, name)], is_dry=False)
    (found,) = [each for each in inbox.found(timezone.now()).conditions if each.rule == rule]
    assert found.sentence == "There is no room."
    running.run_all([task(lambda *_: Done("done"), name)], is_dry=False)
    assert not [each for each in inbox.found(timezone.now()).conditions if each.rule == rule]


def test_a_backup_that_was_missed_for_days_is_an_alert() -> None:
    running.run_all([task(lambda *_: Done("done"), "backup")], is_dry=False)
    soon, late = (timezone.now() + timedelta(days=days) for days in (2, 4))
    assert "backup_failing" not in {each.rule for each in inbox.found(soon).conditions}
    (found,) = [each for each in inbox.found(late).conditions if each.rule == "backup_failing"]
    assert "should run every 24 hours" in found.sentence


def test_a_task_that_runs_is_not_begun_twice() -> None:
    inner: list[list[UpkeepRun]] = []

    def again(*_: object) -> Done:
        inner.append(running.run_all([mine], is_dry=False))
        return Done("done")

    mine = task(again)
    running.run_all([mine], is_dry=False)
    assert inner == [[]]
    assert UpkeepRun.objects.count() == 1


def test_a_run_whose_process_is_gone_is_ended() -> None:
    now = timezone.now()
    machine = running._this_process().split("/")[0]
    for process, began in ((f"{machine}/1/0.00", now), ("elsewhere/1/0.00", now - OLD)):
        UpkeepRun.objects.create(
            task=process, state=UpkeepState.RUNNING, asked_at=now, began_at=began, process=process
        )
    for process in (running._this_process(), "elsewhere/1/0.00 "):
        UpkeepRun.objects.create(
            task=process, state=UpkeepState.RUNNING, asked_at=now, began_at=now, process=process
        )
    assert running.end_cut_off(now) == 2
    assert UpkeepRun.objects.filter(state=UpkeepState.RUNNING).count() == 2


def test_what_was_asked_for_is_run_once_whoever_asks_twice() -> None:
    sessions = tasks.named("sessions")
    assert sessions is not None
    user, now = make_user(), timezone.now()
    first = running.ask(sessions, user, now, is_dry=True)
    assert running.ask(sessions, user, now, is_dry=True) == first
    assert running.is_anything_asked()
    (run,) = running.run_asked()
    assert (run.pk, run.state, run.is_dry) == (first.pk, UpkeepState.DONE, True)
    assert not running.is_anything_asked()


def test_what_ran_lately_is_not_due() -> None:
    for each in tasks.all():
        UpkeepRun.objects.create(
            task=each.name,
            state=UpkeepState.DONE,
            asked_at=timezone.now(),
            ended_at=timezone.now(),
        )
    assert running.due(timezone.now()) == []
    late = timezone.now() + timedelta(days=2)
    assert {x.name for x in tasks.all()} - {x.name for x in running.due(late)} == {"restore_drill"}


class Process:
    """A process that ends when the test says so."""

    def __init__(self) -> None:
        self.code: int | None = None

    def poll(self) -> int | None:
        return self.code


def test_the_monitor_starts_one_process_at_a_time_and_what_is_due_waits_after_a_start() -> None:
    started: list[str] = []
    clock, process = [0.0], Process()

    def start(what: str) -> Any:
        started.append(what)
        return process

    upkeep = Upkeep(lambda: clock[0], start)
    upkeep.look()
    assert started == []
    running.ask(tasks.all()[0], make_user(), timezone.now(), is_dry=True)
    upkeep.look()
    upkeep.look()
    assert started == ["--asked"]
    process.code, clock[0] = 0, SETTLED_SECONDS
    upkeep.look()
    assert started == ["--asked", "--due"]


def test_a_drill_without_a_backup_fails_and_says_so() -> None:
    (run,) = running.run_all([tasks.named("restore_drill")], is_dry=False)  # type: ignore[list-item]  # it is registered
    assert run.state == UpkeepState.FAILED
    assert run.sentence == "There is no backup by the clock to restore."


def test_the_command_runs_tasks_and_prints_what_they_did() -> None:
    out = StringIO()
    call_command("maintenance", "--task", "sessions", "--dry-run", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert (found["task"], found["state"], found["is_dry"]) == ("sessions", "done", True)


@pytest.mark.parametrize("arguments", [["--task", "nothing"], []])
def test_the_command_names_the_tasks_that_there_are(arguments: list[str]) -> None:
    err = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("maintenance", *arguments, stderr=err)
    assert ended.value.code == 2
    assert "There are: audit_log, originals, metrics" in err.getvalue()
