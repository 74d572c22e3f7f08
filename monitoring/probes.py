"""What the service needs to do its work: the database, the broker, storage, workers, samples."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.translation import gettext as _

from monitoring.conf import health_settings
from monitoring.heartbeats import pulse_now
from monitoring.models import Heartbeat, MetricSample
from monitoring.pulse import Pulse
from monitoring.readiness import Answer, probes
from trimming.conf import trimming_settings


@probes.register("database")
def database(now: datetime) -> Answer:
    """Read a row that every installation has a table for."""
    Heartbeat.objects.first()
    return Answer(True, _("It answers."))


@probes.register("broker")
def broker(now: datetime) -> Answer:
    """Ask how many messages wait for workers."""
    from django_q.brokers import get_broker

    get_broker().queue_size()
    return Answer(True, _("It answers."))


@probes.register("storage")
def storage(now: datetime) -> Answer:
    """See whether captures can be stored: folders that can be written, and free space."""
    folders = [Path(settings.FILE_UPLOAD_TEMP_DIR), Path(settings.WORK_ROOT)]
    if isinstance(default_storage, FileSystemStorage):
        folders.append(Path(default_storage.location))
    else:
        default_storage.listdir("readiness")  # raises when it cannot be reached
    if not _can_be_written(folders):
        return Answer(False, _("A folder for captures is missing or cannot be written."))
    if shutil.disk_usage(folders[0]).free < trimming_settings().reserve_bytes:
        return Answer(False, _("There is no free space for uploads."))
    return Answer(True, _("It can be written, and has free space."))


def _can_be_written(folders: Iterable[Path]) -> bool:
    return all(os.access(folder, os.W_OK | os.X_OK) for folder in folders)


@probes.register("workers")
def workers(now: datetime) -> Answer:
    """See whether the workers give signs of life."""
    pulse = pulse_now(now)
    if pulse is Pulse.WORKING:
        return Answer(True, _("They answer."))
    if pulse is Pulse.STOPPED:
        return Answer(False, _("They do not answer."))
    return Answer(False, _("Nothing was heard of them lately."))


@probes.register("monitor")
def monitor(now: datetime) -> Answer:
    """See whether there is a fresh sample."""
    newest = MetricSample.objects.values_list("at", flat=True).first()
    if newest is None or (now - newest).total_seconds() > health_settings().stale_seconds:
        return Answer(False, _("There is no fresh sample."))
    return Answer(True, _("There is a fresh sample."))
