"""The page of one capture: where its job stands, and what its newest result is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth.models import PermissionsMixin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from trimming.byte_bar import ByteBar, byte_bar
from trimming.capture_report import NO_REPORT, CaptureReport, Verdict, read_report
from trimming.choices import JobState
from trimming.engine.errors import OptionsError
from trimming.engine.options import TrimOptions
from trimming.engine.strategies.registry import available
from trimming.models import (
    AnyUser,
    Capture,
    Download,
    Profile,
    Quarantine,
    Shadow,
    TrimJob,
    TrimRun,
)
from trimming.overrides import Refusal, refusal_among
from trimming.profiles import offered
from trimming.routing_words import route_of
from trimming.shadow_report import ShadowPanel, shadow_panel
from trimming.timeline_figures import TimelineFigures, timeline_figures

# so many of the newest attempts and downloads are listed
MAX_ATTEMPTS = 50
MAX_DOWNLOADS = 20
RETRIED = (JobState.FAILED, JobState.REFUSED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Result:
    """A published run with its report; ``report`` and ``bar`` are None when it cannot be read."""

    run: TrimRun
    report: CaptureReport | None
    bar: ByteBar | None
    verdict: Verdict
    timeline: TimelineFigures | None
    # an earlier job's, while the newest one has no result
    is_earlier: bool

    @property
    def quarantine(self) -> Quarantine | None:
        """Why nobody may take it away at present, if so."""
        return self.run.quarantine_in_force


def with_charts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let the chart library write styles and pictures on this page; scripts stay ours."""
    wider: Any = csp_update({"style-src": [UNSAFE_INLINE], "img-src": ["blob:"]})
    found: Callable[..., HttpResponse] = wider(view)
    return found


@with_charts
@require_GET
def capture(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Show one capture; 404 for those of others."""
    found = get_object_or_404(
        Capture.objects.visible_to(request.user).select_related(
            "owner", "current_job__profile", "current_job__requested_by"
        ),
        pk=capture_id,
    )
    job, result, runs = found.current_job, newest_result(found), attempts(found)
    context: dict[str, Any] = {
        "capture": found,
        "job": job,
        "result": result,
        "heading": heading(job, result),
        "elapsed_seconds": elapsed_seconds(job),
        "elapsed": clock(elapsed_seconds(job)),
        "before": jobs_before(job),
        "attempts": runs,
        "route": None if job is None else route_of(job, runs),
        "newest_run": next((run for run in runs if job and run.job_id == job.pk), None),
        "downloads": downloads(found),
        "shadow": newest_shadow(found),
        **choices(request.user, found),
    }
    return render(request, "trimming/capture.html", context)


def newest_result(capture: Capture) -> Result | None:
    """Return the newest published run whose output is kept, read for the page."""
    run = (
        TrimRun.objects.filter(job__capture=capture, published_for__isnull=False)
        .exclude(output="")
        .select_related("job__profile", "quarantine")
        .order_by("-started_at", "-pk")
        .first()
    )
    if run is None:
        return None
    report = read_report(run.report)
    bar = None
    if report is not None and run.report is not None:
        is_packed = "," in capture.file_format
        bar = byte_bar(run.report, options_of_run(run), is_packed=is_packed)
    return Result(
        run=run,
        report=report,
        bar=bar,
        verdict=NO_REPORT if report is None else report.verdict,
        timeline=timeline_figures((run.report or {}).get("timeline")) if report else None,
        is_earlier=run.job_id != capture.current_job_id,
    )


def newest_shadow(capture: Capture) -> ShadowPanel | None:
    """Return the newest comparison in the background, read for the page."""
    shadow = Shadow.objects.filter(job__capture=capture).first()
    return None if shadow is None else shadow_panel(shadow)


def heading(job: TrimJob | None, result: Result | None) -> Verdict:
    """Return the chip beside the name.  Done is not enough: the result must have been verified."""
    if job is None:
        return Verdict("unknown", "unknown", _("No job"))
    if job.state != JobState.DONE:
        return Verdict(*job.look, job.get_state_display())
    if result is None:
        return Verdict("unknown", "unknown", _("Done, the result is not kept"))
    if result.quarantine is not None:
        return Verdict("fail", "hold", _("In quarantine"))
    if result.verdict.is_ok:
        return Verdict("ok", "ok", _("Done, verified"))
    return Verdict(result.verdict.tone, result.verdict.shape, result.verdict.label)


def elapsed_seconds(job: TrimJob | None) -> int:
    """Return how long the job has been running, in whole seconds."""
    if job is None or job.claimed_at is None:
        return 0
    ended = job.finished_at or timezone.now()
    return max(0, int((ended - job.claimed_at).total_seconds()))


def clock(seconds: int) -> str:
    """Show whole seconds as m:ss or h:mm:ss, as capture.js goes on to do."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        return f"{hours}:{minutes:02}:{seconds % 60:02}"
    return f"{minutes}:{seconds % 60:02}"


def options_of_run(run: TrimRun) -> TrimOptions | None:
    """Return what the run's profile says; None when the row was damaged."""
    try:
        return run.job.profile.trim_options()
    except OptionsError:
        return None


def jobs_before(job: TrimJob | None) -> int:
    """Return how many jobs wait before this waiting one."""
    if job is None or job.state != JobState.WAITING:
        return 0
    earlier = Q(queued_at__lt=job.queued_at) | Q(queued_at=job.queued_at, pk__lt=job.pk)
    return TrimJob.objects.filter(earlier, state=JobState.WAITING).count()


def attempts(capture: Capture) -> list[TrimRun]:
    """Return the newest attempts at all jobs of the capture."""
    runs = TrimRun.objects.filter(job__capture=capture).select_related("job__profile")
    return list(runs.defer("report")[:MAX_ATTEMPTS])


def downloads(capture: Capture) -> list[Download]:
    """Return the newest downloads of the capture's results."""
    found = Download.objects.filter(run__job__capture=capture).select_related("user")
    return list(found[:MAX_DOWNLOADS])


def choices(user: AnyUser, capture: Capture) -> dict[str, Any]:
    """Return what the user may do now, and with which profiles and strategies."""
    job = capture.current_job
    is_open = job is not None and job.is_open
    may_add = _has_perm(user, "add_trimjob") and capture.has_original and not is_open
    profiles: list[Profile] = list(offered()) if may_add else []
    strategies: list[str] = []
    if may_add and _has_perm(user, "override_strategy"):
        strategies = sorted(available(settings.TRIMMING_STRATEGIES))
    may_delete = _has_perm(user, "delete_capture")
    return {
        "profiles": profiles,
        "strategies": strategies,
        "refusal": refusal_among(strategies) if strategies else Refusal(),
        "is_open": is_open,
        "can_download": _has_perm(user, "download_capture"),
        "can_cancel": is_open and _has_perm(user, "change_trimjob"),
        "can_retry": may_add and job is not None and job.state in RETRIED,
        "can_run_again": bool(profiles),
        "can_delete": may_delete and not is_open,
        "can_delete_original": may_delete and not is_open and capture.has_original,
    }


def _has_perm(user: AnyUser, codename: str) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(f"trimming.{codename}")
