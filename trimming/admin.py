"""Captures, jobs, runs, downloads and profiles in the admin.

History is read, never changed: what can be done to a job goes through jobs.py, as on its page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.admin_rows import chip, link_to, moment, pretty_json, stored
from config.audit import record
from trimming import jobs, quantities
from trimming.models import Capture, Download, TrimJob, TrimRun
from trimming.offline_admin import OfflineTestAdmin
from trimming.owned_rows import OwnedRows
from trimming.profile_admin import ProfileAdmin
from trimming.quarantine_admin import QuarantineAdmin
from trimming.routing_admin import BreakerAdmin, GuardLeaseAdmin, RoutingPolicyAdmin
from trimming.shadow_admin import ShadowAdmin

__all__ = [
    "BreakerAdmin",
    "CaptureAdmin",
    "DownloadAdmin",
    "GuardLeaseAdmin",
    "OfflineTestAdmin",
    "ProfileAdmin",
    "QuarantineAdmin",
    "RoutingPolicyAdmin",
    "ShadowAdmin",
    "TrimJobAdmin",
    "TrimRunAdmin",
]

Queryset = QuerySet[Any]

REASON = stored("reason", _("reason"))
UPLOADED = moment("uploaded_at", _("uploaded"))
ORIGINAL_DELETED = moment("original_deleted_at", _("original deleted"))
DELETED = moment("deleted_at", _("deleted"))
CREATED = moment("created_at", _("asked for"))
QUEUED = moment("queued_at", _("sent to the workers"))
CLAIMED = moment("claimed_at", _("begun"))
FINISHED = moment("finished_at", _("ended"))
CANCEL_ASKED = moment("cancel_requested_at", _("cancel asked for"))
LEASE_UNTIL = moment("lease_until", _("lease until"))
DEADLINE = moment("deadline_at", _("deadline"))
STARTED = moment("started_at", _("begun"))
TAKEN = moment("at", _("time"))


class ProfileFilter(admin.AllValuesFieldListFilter):
    """Filters jobs by the name of their profile, whatever its version."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("profile")


@admin.register(Capture)
class CaptureAdmin(OwnedRows):
    """Captures, also those that were deleted."""

    owner_lookup = "owner"

    list_display = ("name", "owner", "state", "size", "file_format", UPLOADED, "kept")
    list_filter = ("current_job__state", "origin", "file_format", "deleted_at", "owner")
    search_fields = ("name", "sha256", "=id", "owner__username")
    search_help_text = _("Name, SHA-256, id or owner")
    date_hierarchy = "uploaded_at"
    list_select_related = ("owner", "current_job")
    rows = (
        ("name", "owner"),
        ("page", "job"),
        ("size", "file_format", "origin"),
        "sha256",
        (UPLOADED, ORIGINAL_DELETED, DELETED),
    )

    @admin.display(description=_("state"), ordering="current_job__state")
    def state(self, capture: Capture) -> SafeString | str:
        """Show the state of the current job."""
        job = capture.current_job
        return chip(job.look, job.get_state_display()) if job else ""

    @admin.display(description=_("size"), ordering="size_bytes")
    def size(self, capture: Capture) -> str:
        """Show the size as uploaded."""
        return quantities.size(capture.size_bytes)

    @admin.display(description=_("kept"))
    def kept(self, capture: Capture) -> str:
        """Say what is still there."""
        if capture.deleted_at is not None:
            return str(_("deleted"))
        return str(_("original and results") if capture.has_original else _("results"))

    @admin.display(description=_("page"))
    def page(self, capture: Capture) -> SafeString | str:
        """Link to the capture's page, while there is one."""
        if capture.deleted_at is not None:
            return str(_("deleted"))
        return link_to(capture, _("Open the capture's page"), capture.get_absolute_url())

    @admin.display(description=_("current job"))
    def job(self, capture: Capture) -> SafeString | str:
        """Link to the current job."""
        return link_to(capture.current_job)


def cancel_jobs(model_admin: Any, request: HttpRequest, queryset: Queryset) -> None:
    """Cancel the selected jobs that are open, each with its line in the audit log."""

    def cancel(job: TrimJob) -> bool:
        if not jobs.cancel(job.pk):
            return False
        record("cancel", request=request, target=job.capture, job=str(job.pk))
        return True

    done = _each(queryset, cancel)
    text = ngettext("%(n)d job is cancelled.", "%(n)d jobs are cancelled.", done[0])
    _tell(model_admin, request, text, done)


def retry_jobs(model_admin: Any, request: HttpRequest, queryset: Queryset) -> None:
    """Make a new job for each selected one that ended without a result."""

    def retry(job: TrimJob) -> bool:
        made = None if job.capture.deleted_at else jobs.retry(job, request.user)
        if made is None:
            return False
        record("retry", request=request, target=job.capture, job=str(made.pk))
        return True

    done = _each(queryset, retry)
    text = ngettext("%(n)d job was made anew.", "%(n)d jobs were made anew.", done[0])
    _tell(model_admin, request, text, done)


def _each(queryset: Queryset, act: Callable[[TrimJob], bool]) -> tuple[int, int]:
    """Return how many jobs it was done to, and to how many it was not."""
    done = left = 0
    for job in queryset.select_related("capture", "profile"):
        with transaction.atomic():
            acted = act(job)
        done, left = done + acted, left + (not acted)
    return done, left


def _tell(model_admin: Any, request: HttpRequest, text: str, done: tuple[int, int]) -> None:
    if done[0]:
        model_admin.message_user(request, text % {"n": done[0]}, messages.SUCCESS)
    if done[1]:
        left = ngettext(
            "%(n)d job was left as it is: its state, or a deleted original, does not allow it.",
            "%(n)d jobs were left as they are: their state, or a deleted original, does not"
            " allow it.",
            done[1],
        )
        model_admin.message_user(request, left % {"n": done[1]}, messages.WARNING)


def _action(act: Callable[..., None], description: Any, permission: str) -> Callable[..., None]:
    return admin.action(description=description, permissions=[permission])(act)


@admin.register(TrimJob)
class TrimJobAdmin(OwnedRows):
    """Jobs, with what can be done to them."""

    owner_lookup = "capture__owner"

    list_display = (
        "short_id",
        "capture_link",
        "state_chip",
        "profile",
        "requested_by",
        CREATED,
        FINISHED,
        "attempt",
    )
    list_filter = ("state", ("profile__name", ProfileFilter), "requested_by", "created_at")
    search_fields = ("=id", "=capture__id", "capture__name", "reason")
    search_help_text = _("Name of the capture, id or reason")
    date_hierarchy = "created_at"
    list_select_related = ("capture", "profile", "requested_by")
    actions = [
        _action(cancel_jobs, _("Cancel the selected jobs"), "cancel"),
        _action(retry_jobs, _("Retry the selected jobs"), "retry"),
    ]
    rows = (
        ("state_chip", "percent_done", "stage"),
        REASON,
        ("capture_link", "profile", "strategy_override"),
        ("routed_to", "arm", "why"),
        ("bucket", "share", "failed_on"),
        ("policy_version", "fence_epoch"),
        ("requested_by", CREATED, QUEUED),
        (CLAIMED, FINISHED, CANCEL_ASKED),
        ("attempt", "forgiven", "runs"),
        ("lease_owner", LEASE_UNTIL),
        (DEADLINE, "deadline_seconds"),
    )

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Cancelling takes the permission that it takes on the page."""
        return request.user.has_perm("trimming.change_trimjob")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Retrying takes the permission that it takes on the page."""
        return request.user.has_perm("trimming.add_trimjob")

    @admin.display(description=_("job"), ordering="pk")
    def short_id(self, job: TrimJob) -> str:
        """Show the start of the id."""
        return str(job.pk)[:8]

    @admin.display(description=_("capture"), ordering="capture__name")
    def capture_link(self, job: TrimJob) -> SafeString | str:
        """Link to the capture."""
        return link_to(job.capture)

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, job: TrimJob) -> SafeString:
        """Show the state."""
        return chip(job.look, job.get_state_display())

    @admin.display(description=_("done"))
    def percent_done(self, job: TrimJob) -> str:
        """Show how much is done."""
        return f"{job.percent} %"

    @admin.display(description=_("runs"))
    def runs(self, job: TrimJob) -> SafeString | str:
        """Link to the attempts."""
        address = f"../../../trimrun/?job__id__exact={job.pk}"
        return link_to(job, _("The attempts at this job"), address)


@admin.register(TrimRun)
class TrimRunAdmin(OwnedRows):
    """Attempts at jobs, with their reports."""

    owner_lookup = "job__capture__owner"

    list_display = (
        "name",
        "capture_link",
        "outcome_chip",
        "strategy",
        "worker",
        STARTED,
        "took",
        "masked",
    )
    list_filter = ("outcome", "strategy", "started_at")
    search_fields = ("=job__id", "=job__capture__id", "job__capture__name", "worker", "reason")
    search_help_text = _("Name of the capture, id, worker or reason")
    date_hierarchy = "started_at"
    list_select_related = ("job__capture",)
    rows = (
        ("outcome_chip", "attempt"),
        REASON,
        ("capture_link", "job_link"),
        ("strategy", "strategy_version", "worker"),
        ("arm", "policy_version", "fence_epoch", "config_version"),
        (STARTED, FINISHED, "took"),
        ("input_bytes", "output_bytes", "masked_bytes", "messages"),
        "output_sha256",
        "report_text",
    )

    def get_queryset(self, request: HttpRequest) -> Queryset:
        """Leave the reports out of lists: they are large."""
        found = super().get_queryset(request)
        is_list = request.resolver_match is not None and "object_id" not in (
            request.resolver_match.kwargs
        )
        return found.defer("report") if is_list else found

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the link from a job to its runs."""
        return lookup == "job__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description=_("run"))
    def name(self, run: TrimRun) -> str:
        """Show the start of the job's id and the attempt."""
        return f"{str(run.job_id)[:8]}/{run.attempt}"

    @admin.display(description=_("capture"), ordering="job__capture__name")
    def capture_link(self, run: TrimRun) -> SafeString | str:
        """Link to the capture."""
        return link_to(run.job.capture)

    @admin.display(description=_("job"))
    def job_link(self, run: TrimRun) -> SafeString | str:
        """Link to the job."""
        return link_to(run.job)

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_chip(self, run: TrimRun) -> SafeString:
        """Show the outcome."""
        return chip(run.look, run.get_outcome_display())

    @admin.display(description=_("took"), ordering="duration_ms")
    def took(self, run: TrimRun) -> str:
        """Show how long the engine needed."""
        return "" if run.duration_ms is None else quantities.duration(run.duration_ms / 1000)

    @admin.display(description=_("masked"), ordering="masked_bytes")
    def masked(self, run: TrimRun) -> str:
        """Show how much was masked."""
        return "" if run.masked_bytes is None else quantities.size(run.masked_bytes)

    @admin.display(description=_("report"))
    def report_text(self, run: TrimRun) -> SafeString | str:
        """Show the whole report; it holds counts and places, never payload."""
        return pretty_json(run.report)


@admin.register(Download)
class DownloadAdmin(OwnedRows):
    """Who took results away."""

    owner_lookup = "run__job__capture__owner"

    list_display = (TAKEN, "user", "capture_link", "in_archive", "address")
    list_filter = ("in_archive", "user", "at")
    search_fields = ("user__username", "run__job__capture__name", "=run__job__capture__id")
    search_help_text = _("Name of the capture, its id or who took it")
    date_hierarchy = "at"
    list_select_related = ("user", "run__job__capture")
    rows = ((TAKEN, "user", "address"), ("capture_link", "run_link", "in_archive"))

    @admin.display(description=_("capture"), ordering="run__job__capture__name")
    def capture_link(self, download: Download) -> SafeString | str:
        """Link to the capture."""
        return link_to(download.run.job.capture)

    @admin.display(description=_("run"))
    def run_link(self, download: Download) -> SafeString | str:
        """Link to the run."""
        return link_to(download.run)
