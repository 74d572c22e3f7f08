"""Outputs that nobody may take away, because something may be wrong with them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from trimming.models.captures import TrimRun


class QuarantineQuerySet(models.QuerySet["Quarantine"]):
    """Queries over quarantines."""

    def in_force(self) -> QuarantineQuerySet:
        """Return those that nobody has released."""
        return self.filter(released_at=None)


class Quarantine(models.Model):
    """The output of a run that is refused until it is released.  See trimming.quarantine.

    ``reason`` and ``release_reason`` are read by people; they never hold payload.
    """

    run = models.OneToOneField(
        TrimRun, verbose_name=_("run"), on_delete=models.PROTECT, related_name="quarantine"
    )
    reason = models.TextField(_("reason"))
    at = models.DateTimeField(_("since"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    # none where the service did it
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("released by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    release_reason = models.TextField(_("why it was released"), blank=True)

    objects = QuarantineQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("quarantine")
        verbose_name_plural = _("quarantines")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.run}"

    @property
    def is_in_force(self) -> bool:
        """Whether nobody has released it."""
        return self.released_at is None
