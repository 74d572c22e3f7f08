"""Faults on purpose, for rehearsals."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trimming.routing_choices import FaultKind


class Drill(models.Model):
    """A fault that a strategy has on purpose, for a while.  See trimming.drills."""

    kind = models.CharField(_("fault"), max_length=16, choices=FaultKind)
    strategy = models.CharField(_("strategy"), max_length=64)
    share = models.FloatField(_("share of the captures"))
    until = models.DateTimeField(_("until"), db_index=True)
    started_at = models.DateTimeField(_("begun"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering = ["-started_at", "-id"]
        verbose_name = _("drill")
        verbose_name_plural = _("drills")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.kind} of {self.strategy}"
