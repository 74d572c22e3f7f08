"""Who has ended the tour."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TourEnd(models.Model):
    """Somebody has seen the tour, or does not want it: it is not shown to them again."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
    )
    at = models.DateTimeField(_("time"), auto_now_add=True)

    objects: ClassVar[models.Manager[TourEnd]] = models.Manager()

    class Meta:
        verbose_name = _("end of a tour")
        verbose_name_plural = _("ends of tours")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)
