"""The audit log: who did what, when, from where.  Rows are written once and never changed."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete a row that is written once."""


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    """Refuses what would change history."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("audit events are never changed")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("audit events are never deleted")


class AuditEvent(models.Model):
    """One action of a person or of the system.  ``details`` never holds payload or secrets."""

    at = models.DateTimeField(_("time"), db_index=True)
    # no cascade and no null-out: a user with history is deactivated, not deleted
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    actor_name = models.CharField(_("name"), max_length=150)
    address = models.GenericIPAddressField(_("from where"), null=True, blank=True)
    action = models.CharField(_("action"), max_length=64, db_index=True)
    target_kind = models.CharField(_("kind of target"), max_length=64, blank=True)
    target_id = models.CharField(_("target"), max_length=64, blank=True, db_index=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; refuse to change."""
        if self.pk is not None:
            raise AppendOnlyError("audit events are never changed")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("audit events are never deleted")
