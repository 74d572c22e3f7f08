"""Signs of life, and the outbox of the live feed."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


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
