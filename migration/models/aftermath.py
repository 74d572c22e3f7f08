"""What comes after a rollback, and rehearsals of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.models import AppendOnly
from migration.choices import SuspectState
from migration.models.rollouts import Attempt, Rollout
from trimming.models import TrimJob, TrimRun


class Suspect(models.Model):
    """An output of treatment that was served in the suspect window of a rollback."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="suspects")
    run = models.OneToOneField(TrimRun, on_delete=models.PROTECT, related_name="suspect")
    state = models.CharField(
        _("state"), max_length=16, choices=SuspectState, default=SuspectState.LISTED, db_index=True
    )
    # the job that runs it again on legacy
    rerun = models.OneToOneField(
        TrimJob, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    # who asked for that; empty for who works at the machine itself
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    differing_bytes = models.BigIntegerField(_("bytes that differ"), null=True, blank=True)
    # offset of the first byte that differs
    first_difference = models.BigIntegerField(_("first at byte"), null=True, blank=True)
    looked_at = models.DateTimeField(_("compared"), null=True, blank=True)

    class Meta:
        ordering = ["attempt", "run"]
        verbose_name = _("suspect")
        verbose_name_plural = _("suspects")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.run_id}"


class RollbackDrill(AppendOnly):
    """A rollback that was rehearsed: everything of it happens, and the policy is put back."""

    at = models.DateTimeField(_("time"), db_index=True)
    attempt = models.ForeignKey(Attempt, null=True, on_delete=models.PROTECT, related_name="drills")
    # from asking for the fence to the commit
    took_ms = models.FloatField(_("took, in ms"))
    passed = models.BooleanField(_("passed"))
    sentence = models.TextField(_("what was seen"))
    actor_name = models.CharField(_("name"), max_length=150)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("rollback drill")
        verbose_name_plural = _("rollback drills")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class FinalReport(AppendOnly):
    """What a completed rollout leaves behind, as Markdown (``migration.report``)."""

    rollout = models.OneToOneField(
        Rollout, on_delete=models.PROTECT, primary_key=True, related_name="final_report"
    )
    at = models.DateTimeField(_("time"))
    text = models.TextField(_("report"))

    class Meta:
        verbose_name = _("final report")
        verbose_name_plural = _("final reports")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.rollout_id}"
