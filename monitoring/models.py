"""Signs of life, the outbox of the live feed, what was measured, and what was made of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from monitoring.choices import Verdict
from trimming.models import Shadow, TrimRun


class Heartbeat(models.Model):
    """The last sign of life of one part of the service (``workers``, ``monitor``)."""

    name = models.CharField(_("part"), max_length=64, primary_key=True)
    # when a sign was last asked for, and when one was last given
    asked_at = models.DateTimeField(_("asked"), null=True, blank=True)
    at = models.DateTimeField(_("last sign"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


class LiveUpdate(models.Model):
    """One message of the live feed on its way to the web process.  Kept for minutes only."""

    topic = models.CharField(max_length=100)
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.pk} {self.topic}"


class MonitorLease(models.Model):
    """Which monitor process works; the others stand by.  One row, by the database's clock."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    owner = models.CharField(_("who"), max_length=128)
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("monitor lease")
        verbose_name_plural = _("monitor leases")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.owner


class MetricSample(models.Model):
    """What was measured at one tick.

    ``values`` maps keys of the registry (``name`` or ``name:arm``) to numbers, ``histograms`` to
    what Histogram.as_json gives.  Counters are of the ``covers_seconds`` before ``at``.
    """

    # the tick that it belongs to, a multiple of the interval
    at = models.DateTimeField(_("time"), primary_key=True)
    covers_seconds = models.FloatField(_("covers, in s"))
    # how long after the tick it was taken, and how many ticks before it have no sample
    late_ms = models.FloatField(_("late, in ms"))
    missed = models.PositiveIntegerField(_("missed before it"), default=0)
    values = models.JSONField(_("values"), default=dict)
    histograms = models.JSONField(_("histograms"), default=dict)

    class Meta:
        ordering = ["-at"]
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class CountedRun(models.Model):
    """A run that a sample has counted: none is counted twice, whatever was killed when."""

    run = models.OneToOneField(
        TrimRun, primary_key=True, on_delete=models.CASCADE, related_name="counted"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.run_id}"


class CountedShadow(models.Model):
    """A comparison that a sample has counted."""

    shadow = models.OneToOneField(
        Shadow, primary_key=True, on_delete=models.CASCADE, related_name="counted"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.shadow_id}"


class MetricRollup(models.Model):
    """The samples of a minute, an hour or a day.

    ``values`` maps keys to ``[count, sum, min, max]``, ``histograms`` as in samples.
    """

    resolution_seconds = models.PositiveIntegerField(_("seconds"))
    at = models.DateTimeField(_("begins"))
    samples = models.PositiveIntegerField(_("samples"))
    missed = models.PositiveIntegerField(_("missed"), default=0)
    covers_seconds = models.FloatField(_("covers, in s"))
    values = models.JSONField(_("values"), default=dict)
    histograms = models.JSONField(_("histograms"), default=dict)

    class Meta:
        ordering = ["resolution_seconds", "-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["resolution_seconds", "at"], name="rollup_is_one_per_time"
            )
        ]
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.resolution_seconds} s"


class HealthReport(models.Model):
    """One health check.  ``dimensions`` is health.rules.Finding of each dimension, as JSON."""

    at = models.DateTimeField(_("time"), db_index=True)
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict)
    score = models.FloatField(_("score"), null=True, blank=True)
    # the weighted mean before it was capped
    mean = models.FloatField(_("mean"), null=True, blank=True)
    sentence = models.TextField(_("sentence"))
    dimensions = models.JSONField(_("dimensions"), default=list)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("health report")
        verbose_name_plural = _("health reports")
        default_permissions = ("view",)
        permissions = [("check_health", gettext_noop("Can have the health checked now"))]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.verdict}"


# Django finds models in this module only
from monitoring.alerts.models import (  # noqa: E402, F401 - see above
    Alert,
    AlertClock,
    AlertRule,
    AlertStep,
    AlertTelling,
    Notification,
    Silence,
)
from monitoring.reports.models import Report  # noqa: E402, F401 - see above
