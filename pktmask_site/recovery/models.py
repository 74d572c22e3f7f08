"""What upkeep did, and when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from pktmask_site.recovery.choices import LOOKS, UpkeepState
from trimming.choices import Look


class UpkeepRun(models.Model):
    """One run of a task of upkeep.  ``details`` are figures; never payload, never secrets."""

    task = models.CharField(_("task"), max_length=40)
    state = models.CharField(_("state"), max_length=16, choices=UpkeepState)
    is_dry = models.BooleanField(_("dry run"), default=False)
    asked_at = models.DateTimeField(_("asked for"), db_index=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    began_at = models.DateTimeField(_("began"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # machine and number of the process that works on it
    process = models.CharField(_("process"), max_length=128, blank=True)
    sentence = models.TextField(_("what it did"), blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(state=UpkeepState.RUNNING),
                name="upkeep_runs_once_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["task", "-ended_at"], name="upkeep_newest")]
        verbose_name = _("run of upkeep")
        verbose_name_plural = _("runs of upkeep")
        default_permissions = ("view",)
        permissions = [("run_upkeep", gettext_noop("Can run tasks of upkeep"))]

    def __str__(self) -> str:
        return f"{self.task} {self.asked_at:%Y-%m-%d %H:%M:%S}"

    @property
    def look(self) -> Look:
        """Tone and shape of the state."""
        return LOOKS[UpkeepState(self.state)]
