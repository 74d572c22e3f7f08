"""Captures, what was done to them, and who took the results away."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from trimming.blame import kind_of
from trimming.choices import (
    JOB_LOOKS,
    OPEN_STATES,
    RUN_LOOKS,
    Blame,
    CaptureOrigin,
    JobStage,
    JobState,
    Look,
    OutcomeKind,
    Priority,
    RunOutcome,
)
from trimming.job_rules import percent
from trimming.routing_choices import Arm, Why

if TYPE_CHECKING:
    from trimming.engine.options import TrimOptions
    from trimming.models.quarantine import Quarantine

AnyUser = AbstractBaseUser | AnonymousUser


class Profile(models.Model):
    """One version of a profile.  Rows are never changed: a change is a new version."""

    name = models.CharField(_("name"), max_length=64)
    version = models.PositiveIntegerField(_("version"))
    options = models.JSONField(_("options"), default=dict)
    description = models.CharField(_("description"), max_length=200, blank=True)
    is_built_in = models.BooleanField(_("built in"), default=False)
    is_offered = models.BooleanField(_("offered"), default=True)
    created_at = models.DateTimeField(_("made"), auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering = ["name", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="profile_version_is_unique")
        ]
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"

    def trim_options(self) -> TrimOptions:
        """Return the options of the engine; raises OptionsError when a row was damaged."""
        from trimming.profiles import options_of

        return options_of(self)


class CaptureQuerySet(models.QuerySet["Capture"]):
    """Queries over captures."""

    def visible_to(self, user: AnyUser) -> CaptureQuerySet:
        """Return the captures that ``user`` may know of: the only such rule there is."""
        if not (user.is_authenticated and user.is_active):
            return self.none()
        kept = self.filter(deleted_at=None)
        if isinstance(user, PermissionsMixin) and user.has_perm("trimming.view_all_captures"):
            return kept
        return kept.filter(owner_id=user.pk)


def original_path(capture: Capture, filename: str) -> str:
    """Return where an original is kept.  Names that people gave never become paths.

    One that is kept again after it was deleted gets a name of its own: of two uploads of the same
    bytes at a time one is taken, and the other removes what it stored.
    """
    again = f"-{uuid.uuid4().hex[:8]}" if capture.original_deleted_at else ""
    return f"originals/{capture.pk}{again}"


class Capture(models.Model):
    """A file that somebody gave us.  Deleting it removes its files; the row stays as history."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        related_name="captures",
    )
    name = models.CharField(_("name"), max_length=255)
    origin = models.CharField(_("origin"), max_length=16, choices=CaptureOrigin)
    size_bytes = models.BigIntegerField(_("size in bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    file_format = models.CharField(_("format"), max_length=32)
    original = models.FileField(_("original"), upload_to=original_path, max_length=255, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"), db_index=True)
    original_deleted_at = models.DateTimeField(_("original deleted"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted"), null=True, blank=True)
    # the job whose state is shown for the capture: the newest one
    current_job = models.OneToOneField(
        "TrimJob",
        verbose_name=_("current job"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    objects = CaptureQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "sha256"],
                condition=Q(deleted_at=None),
                name="capture_is_kept_once_per_owner",
            )
        ]
        permissions = [
            ("view_all_captures", gettext_noop("Can see the captures of everybody")),
            ("download_capture", gettext_noop("Can download results")),
            ("inspect_capture", gettext_noop("Can look at messages and packets")),
        ]
        verbose_name = _("capture")
        verbose_name_plural = _("captures")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Return the address of the capture's page."""
        return reverse("trimming:capture", args=[self.pk])

    @property
    def has_original(self) -> bool:
        """Whether the uploaded bytes are still kept."""
        return bool(self.original) and self.original_deleted_at is None


class TrimJobQuerySet(models.QuerySet["TrimJob"]):
    """Queries over jobs."""

    def visible_to(self, user: AnyUser) -> TrimJobQuerySet:
        """Return the jobs of the captures that ``user`` may know of."""
        return self.filter(capture__in=Capture.objects.visible_to(user))

    def open(self) -> TrimJobQuerySet:
        """Return the jobs that are waiting or running."""
        return self.filter(state__in=OPEN_STATES)


class TrimJob(models.Model):
    """The wish to trim a capture with a profile.  See jobs.py for how its state changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    capture = models.ForeignKey(
        Capture, verbose_name=_("capture"), on_delete=models.PROTECT, related_name="jobs"
    )
    profile = models.ForeignKey(
        Profile, verbose_name=_("profile"), on_delete=models.PROTECT, related_name="+"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    strategy_override = models.CharField(_("strategy override"), max_length=64, blank=True)
    # where it goes and why, decided at the first claim and kept unless the epoch changes
    why = models.CharField(_("why"), max_length=32, choices=Why, blank=True)
    arm = models.CharField(_("arm"), max_length=16, choices=Arm, blank=True)
    bucket = models.PositiveIntegerField(_("bucket"), null=True, blank=True)
    share = models.FloatField(_("share to scanning"), null=True, blank=True)
    routed_to = models.CharField(_("strategy"), max_length=64, blank=True)
    policy_version = models.PositiveIntegerField(_("policy"), null=True, blank=True)
    fence_epoch = models.PositiveIntegerField(_("epoch"), null=True, blank=True)
    # the strategy that failed on it, so that another one serves it
    failed_on = models.CharField(_("failed on"), max_length=64, blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=JobState, default=JobState.WAITING, db_index=True
    )
    priority = models.SmallIntegerField(
        _("priority"), choices=Priority, default=Priority.NORMAL, db_default=Priority.NORMAL.value
    )
    reason = models.TextField(_("reason"), blank=True)
    created_at = models.DateTimeField(_("asked for"), db_index=True)
    queued_at = models.DateTimeField(_("sent to the workers"))
    # by the clock of the database, after a fault around it
    not_before = models.DateTimeField(_("put off until"), null=True, blank=True)
    claimed_at = models.DateTimeField(_("begun"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # grows with each claim and never falls: results of an older attempt are not published
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    # attempts that ended by an orderly stop and do not count against the job
    forgiven = models.PositiveIntegerField(_("attempts given back"), default=0)
    lease_owner = models.CharField(_("worker"), max_length=128, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    deadline_seconds = models.FloatField(_("deadline in seconds"), null=True, blank=True)
    deadline_at = models.DateTimeField(_("deadline"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel asked for"), null=True, blank=True)
    stage = models.CharField(_("stage"), max_length=16, choices=JobStage, blank=True)
    done_bytes = models.BigIntegerField(_("bytes done"), default=0)
    total_bytes = models.BigIntegerField(_("bytes in all"), default=0)
    published_run = models.OneToOneField(
        "TrimRun",
        verbose_name=_("published run"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="published_for",
    )

    objects = TrimJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["state", "queued_at"], name="job_state_queued"),
            # whose turn it is, read from the index alone
            models.Index(
                fields=[
                    "state",
                    "requested_by",
                    "priority",
                    "total_bytes",
                    "queued_at",
                    "not_before",
                ],
                name="job_turns",
            ),
            models.Index(fields=["state", "lease_until"], name="job_state_lease"),
            # a rollout counts what began lately
            models.Index(fields=["claimed_at"], name="job_claimed"),
        ]
        permissions = [
            ("override_strategy", gettext_noop("Can choose the strategy of a job")),
            ("set_priority", gettext_noop("Can choose the priority of a job")),
        ]
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def look(self) -> Look:
        """Tone and shape of the state."""
        return JOB_LOOKS[JobState(self.state)]

    @property
    def is_open(self) -> bool:
        """Whether the job is waiting or running."""
        return self.state in OPEN_STATES

    @property
    def is_held(self) -> bool:
        """Whether its result is there, and in quarantine."""
        run = self.published_run
        return run is not None and bool(run.output) and run.quarantine_in_force is not None

    @property
    def percent(self) -> int:
        """How much is done, 0 to 100."""
        if self.state == JobState.RUNNING:
            return percent(self.stage, self.done_bytes, self.total_bytes)
        return 100 if self.state == JobState.DONE else 0


class TrimRunQuerySet(models.QuerySet["TrimRun"]):
    """Queries over runs."""

    def visible_to(self, user: AnyUser) -> TrimRunQuerySet:
        """Return the runs of the captures that ``user`` may know of."""
        return self.filter(job__capture__in=Capture.objects.visible_to(user))

    def published_to(self, user: AnyUser) -> TrimRunQuerySet:
        """Return the published, verified runs whose output is there and visible to ``user``."""
        published = self.visible_to(user).filter(
            published_for__isnull=False, outcome=RunOutcome.DONE
        )
        return published.exclude(output="")

    def downloadable_by(self, user: AnyUser) -> TrimRunQuerySet:
        """Return those of ``published_to`` that are not in quarantine."""
        is_free = Q(quarantine__isnull=True) | Q(quarantine__released_at__isnull=False)
        return self.published_to(user).filter(is_free)


def output_path(run: TrimRun, filename: str = "") -> str:
    """Return where an output is kept: one place for each attempt, so two never meet.

    After a restore an attempt may have the number of one whose output the state that was put aside
    names, and in a bucket both have the same place: hence when it was begun.
    """
    return f"outputs/{run.job_id}/{run.attempt}-{run.started_at:%Y%m%d%H%M%S%f}"


class TrimRun(models.Model):
    """One attempt at a job: what happened, how long it took, what came of it."""

    job = models.ForeignKey(
        TrimJob, verbose_name=_("job"), on_delete=models.PROTECT, related_name="runs"
    )
    attempt = models.PositiveIntegerField(_("attempt"))
    strategy = models.CharField(_("strategy"), max_length=64)
    strategy_version = models.CharField(_("strategy's version"), max_length=32, blank=True)
    arm = models.CharField(_("arm"), max_length=16, choices=Arm, blank=True)
    policy_version = models.PositiveIntegerField(_("policy"), null=True, blank=True)
    fence_epoch = models.PositiveIntegerField(_("epoch"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=128)
    # of the settings that the attempt went by, from its first to its last byte
    config_version = models.PositiveIntegerField(_("configuration version"), default=0)
    outcome = models.CharField(
        _("outcome"),
        max_length=16,
        choices=RunOutcome,
        default=RunOutcome.RUNNING,
        db_index=True,
    )
    # of an output that verification refused; else empty
    blame = models.CharField(
        _("whose fault"), max_length=16, choices=Blame, blank=True, default="", db_default=""
    )
    # when it was known whose fault, where that was not at its end
    blamed_at = models.DateTimeField(_("known since"), null=True, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    started_at = models.DateTimeField(_("begun"), db_index=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    input_bytes = models.BigIntegerField(_("bytes in"))
    duration_ms = models.FloatField(_("duration in ms"), null=True, blank=True)
    messages = models.BigIntegerField(_("HTTP messages"), null=True, blank=True)
    masked_bytes = models.BigIntegerField(_("bytes masked"), null=True, blank=True)
    # report_views.report_as_dict of the engine's report
    report = models.JSONField(_("report"), null=True, blank=True)
    output = models.FileField(_("output"), upload_to=output_path, max_length=255, blank=True)
    output_bytes = models.BigIntegerField(_("bytes out"), null=True, blank=True)
    output_sha256 = models.CharField(_("SHA-256 of the output"), max_length=64, blank=True)

    objects = TrimRunQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "attempt"], name="run_is_one_per_attempt")
        ]
        indexes = [
            # a rollout counts what ended lately
            models.Index(fields=["finished_at"], name="run_finished"),
            models.Index(
                fields=["blamed_at"], condition=Q(blamed_at__isnull=False), name="run_blamed"
            ),
        ]
        verbose_name = _("run")
        verbose_name_plural = _("runs")

    def __str__(self) -> str:
        return f"{self.job_id}/{self.attempt}"

    @property
    def look(self) -> Look:
        """Tone and shape of the outcome."""
        return RUN_LOOKS[RunOutcome(self.outcome)]

    @property
    def kind(self) -> OutcomeKind:
        """What the end of the attempt says of its strategy."""
        return kind_of(RunOutcome(self.outcome), Blame(self.blame) if self.blame else None)

    @property
    def quarantine_in_force(self) -> Quarantine | None:
        """The quarantine that its output is in, if any."""
        found: Quarantine | None = getattr(self, "quarantine", None)
        return found if found is not None and found.is_in_force else None


class Download(models.Model):
    """Somebody took a result away."""

    run = models.ForeignKey(
        TrimRun, verbose_name=_("run"), on_delete=models.PROTECT, related_name="downloads"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("time"), db_index=True)
    address = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    in_archive = models.BooleanField(_("in an archive"), default=False)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("download")
        verbose_name_plural = _("downloads")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.run} by {self.user}"
