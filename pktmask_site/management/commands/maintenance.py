"""``manage.py maintenance --task NAME | --all | --due``: upkeep, now."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.current import adopt_newest
from pktmask_site import processes
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.running import end_cut_off, run_all, run_asked, run_due
from pktmask_site.recovery.upkeep import tasks

EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2


class Command(BaseCommand):
    """Runs tasks one after the other, beside the service, and says what each did."""

    help = "Do the upkeep of the service: tidy up, back up, hold a restore drill."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--task", action="append", default=[], help="a task; may come again")
        which.add_argument("--all", action="store_true", help="all tasks")
        which.add_argument("--asked", action="store_true", help="what somebody asked for")
        which.add_argument("--due", action="store_true", help="that, and what is due by the clock")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument("--json", action="store_true", help="print an object for each task")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run; exit code 1 when a task failed, 2 when there is no such task."""
        adopt_newest()
        if options["due"] or options["asked"]:
            processes.die_with_parent(os.getppid())
            _ = run_due() if options["due"] else run_asked()
            return
        # what tasks did is printed; the log would stand between
        for name in ("pktmask.recovery", "pktmask.retention", "pktmask.intake"):
            logging.getLogger(name).setLevel(logging.ERROR)
        wanted = tasks.all() if options["all"] else [tasks.named(name) for name in options["task"]]
        found = [task for task in wanted if task is not None]
        if not found or len(found) < len(wanted):
            names = ", ".join(task.name for task in tasks.all())
            self.stderr.write(f"Name tasks with --task, or take --all. There are: {names}.")
            sys.exit(EXIT_REFUSED)
        end_cut_off(timezone.now())
        runs = run_all(found, is_dry=options["dry_run"])
        for run in runs:
            self._tell(run, as_json=options["json"])
        for task in found:
            if task.name not in {run.task for run in runs}:
                self.stderr.write(f"{task.name} runs already.")
        if any(run.state == UpkeepState.FAILED for run in runs):
            sys.exit(EXIT_FAILED)

    def _tell(self, run: UpkeepRun, *, as_json: bool) -> None:
        if as_json:
            plain = {"task": run.task, "state": str(run.state), "sentence": run.sentence}
            self.stdout.write(json.dumps({**plain, "is_dry": run.is_dry, "details": run.details}))
        else:
            self.stdout.write(f"{run.task:<14} {UpkeepState(run.state).value:<8} {run.sentence}")
