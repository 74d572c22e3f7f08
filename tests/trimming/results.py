"""Captures with a published result, for tests of pages: no engine runs, the report is given."""

from __future__ import annotations

from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.trimming.reports import stored_report
from trimming.jobs import claim, publish
from trimming.models import Capture, TrimJob, TrimRun


def finish(job: TrimJob, report: Any = ..., worker: str = "one/1") -> TrimRun:
    """Publish a result of ``job`` and return its run; by default with the report of a good run."""
    run = claim(job.pk, worker)
    assert run is not None
    stored = default_storage.save(f"outputs/{job.pk}/{run.attempt}", ContentFile(b"out"))
    report = stored_report() if report is ... else report
    values = {"masked_bytes": 5_000, "messages": 6, "duration_ms": 40.0}
    assert publish(run, output=stored, output_bytes=10_000, report=report, **values)
    return TrimRun.objects.get(pk=run.pk)


def reread(capture: Capture) -> Capture:
    """Return the capture as it is stored now."""
    return Capture.objects.select_related("current_job").get(pk=capture.pk)
