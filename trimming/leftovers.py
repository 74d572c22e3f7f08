"""Folders of attempts that ended without removing them, whichever way they ended.

An attempt that is taken from its worker is cleaned up behind at once (jobs.lose); this finds those
whose worker was killed after publishing, or past its deadline.
"""

from __future__ import annotations

import re
import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.utils import timezone

from trimming.choices import RunOutcome
from trimming.files import remove_leftovers, work_root
from trimming.models import Shadow, TrimRun
from trimming.routing_choices import ShadowState

# files.private_name, files.shadow_name
FOLDER = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9]+)")
SHADOW_FOLDER = re.compile(f"shadow-{FOLDER.pattern}")


def remove_left_folders(ended_before: timedelta) -> int:
    """Remove what is left of attempts that ended so long ago; return of how many.

    A worker that only lost its job still has its folder and removes it itself, within seconds.
    """
    return sum(_remove(folder, ended_before) for folder in sorted(work_root().iterdir()))


def _remove(folder: Path, ended_before: timedelta) -> bool:
    if found := SHADOW_FOLDER.fullmatch(folder.name):
        return _remove_of_shadow(folder, UUID(found[1]), int(found[2]), ended_before)
    found = FOLDER.fullmatch(folder.name)
    if found is None:
        return False
    run = TrimRun.objects.filter(job_id=UUID(found[1]), attempt=int(found[2])).first()
    if run is not None:
        if run.finished_at is None or timezone.now() - run.finished_at < ended_before:
            return False
        if run.outcome != RunOutcome.DONE:
            remove_leftovers(run)  # with an output that was stored and not published
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _remove_of_shadow(folder: Path, pk: UUID, attempt: int, ended_before: timedelta) -> bool:
    shadow = Shadow.objects.filter(pk=pk).first()
    if shadow is not None and shadow.attempt == attempt:
        if shadow.state == ShadowState.RUNNING:
            return False
        ended = shadow.finished_at
        if ended is not None and timezone.now() - ended < ended_before:
            return False
    shutil.rmtree(folder, ignore_errors=True)
    return True
