"""Comparisons of the two strategies: behind served jobs, and over sets of captures."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trimming.models.captures import TrimJob
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState


class Shadow(models.Model):
    """Both strategies on the capture of a served job, compared and never served.

    Times are of trimming alone, in ms; empty where a strategy did not come to an end.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.OneToOneField(
        TrimJob, verbose_name=_("job"), on_delete=models.PROTECT, related_name="shadow"
    )
    # the unit of every rule is the distinct capture
    digest = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    policy_version = models.PositiveIntegerField(_("policy"))
    fence_epoch = models.PositiveIntegerField(_("epoch"))
    state = models.CharField(
        _("state"),
        max_length=16,
        choices=ShadowState,
        default=ShadowState.WAITING,
        db_index=True,
    )
    outcome = models.CharField(_("outcome"), max_length=16, choices=ShadowOutcome, blank=True)
    # why it was ignored, dropped or broken off; never payload
    reason = models.TextField(_("reason"), blank=True)
    queued_at = models.DateTimeField(_("sent to the workers"), db_index=True)
    started_at = models.DateTimeField(_("begun"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=128, blank=True)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    went_first = models.CharField(_("went first"), max_length=64, blank=True)
    control_version = models.CharField(_("version of legacy"), max_length=32, blank=True)
    treatment_version = models.CharField(_("version of scanning"), max_length=32, blank=True)
    control_ms = models.FloatField(_("legacy took, in ms"), null=True, blank=True)
    treatment_ms = models.FloatField(_("scanning took, in ms"), null=True, blank=True)
    control_failure = models.TextField(_("legacy failed"), blank=True)
    treatment_failure = models.TextField(_("scanning failed"), blank=True)
    leak = models.CharField(_("leak"), max_length=16, choices=LeakState, default=LeakState.NONE)
    leaked_bytes = models.BigIntegerField(_("bytes that only legacy masks"), default=0)
    over_masked_bytes = models.BigIntegerField(_("bytes that only scanning masks"), default=0)
    # comparison_views.as_dict of the library's comparison: ranges by class, no payload
    report = models.JSONField(_("comparison"), null=True, blank=True)

    class Meta:
        ordering = ["-queued_at", "-id"]
        indexes = [models.Index(fields=["finished_at"], name="shadow_finished")]
        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.job_id}"


class OfflineTest(models.Model):
    """Both strategies over a set of captures, by ``manage.py ab_test``.  Never changed."""

    at = models.DateTimeField(_("time"), db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    name = models.CharField(_("name"), max_length=200)
    captures = models.PositiveIntegerField(_("captures"))
    # ab_test's result as --json prints it
    result = models.JSONField(_("result"))

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("offline test")
        verbose_name_plural = _("offline tests")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
