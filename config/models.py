"""The audit log, and the versions of the configuration: rows that are written once."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from config.choices import VersionKind
from config.seals import SEAL_CHARACTERS


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete a row that is written once."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Refuses what would change history."""

    def update(self, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self.model._meta.verbose_name_plural} are never changed")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self.model._meta.verbose_name_plural} are never deleted")


class AppendOnly(models.Model):
    """A row that is written once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; refuse to change."""
        if not self._state.adding:
            raise AppendOnlyError(f"{self._meta.verbose_name_plural} are never changed")
        # a key that is taken already must not become a change
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError(f"{self._meta.verbose_name_plural} are never deleted")


class AuditEvent(AppendOnly):
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
    # config.seals says what these are; an event waits for number and link until it is committed
    number = models.BigIntegerField(_("number"), null=True, blank=True)
    nonce = models.CharField(_("nonce"), max_length=16, blank=True, db_default="")
    seal = models.CharField(_("seal"), max_length=SEAL_CHARACTERS, blank=True, db_default="")
    link = models.CharField(_("link"), max_length=SEAL_CHARACTERS, blank=True, db_default="")

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="audit_number_once"),
            models.UniqueConstraint(
                fields=["seal"], condition=~models.Q(seal=""), name="audit_seal_once"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], condition=models.Q(number=None), name="audit_waiting")
        ]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"


class AuditHead(models.Model):
    """Where the chain of audit events ends: one row, apart from them, so that a cut end is seen."""

    number = models.BigIntegerField(_("number"))
    link = models.CharField(_("link"), max_length=SEAL_CHARACTERS, blank=True)
    seal = models.CharField(_("seal"), max_length=SEAL_CHARACTERS)

    class Meta:
        verbose_name = _("head of the audit log")
        verbose_name_plural = _("heads of the audit log")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.number}"


class ConfigVersion(AppendOnly):
    """One state of the configuration: what the files and the console give, as a whole.

    ``files`` and ``console`` map sections to keys to ``{"value", "place"}``.  Who publishes takes
    the number behind the newest one, so that of two at once one fails.
    """

    number = models.PositiveIntegerField(_("version"), primary_key=True)
    at = models.DateTimeField(_("time"))
    kind = models.CharField(_("kind"), max_length=16, choices=VersionKind)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    author_name = models.CharField(_("name"), max_length=150)
    reason = models.CharField(_("reason"), max_length=500)
    files = models.JSONField(_("from files"), default=dict)
    console = models.JSONField(_("from the console"), default=dict)
    # what this version changed, for people: setting, before, after
    changes = models.JSONField(_("changes"), default=list)

    class Meta:
        ordering = ["-number"]
        verbose_name = _("configuration version")
        verbose_name_plural = _("configuration versions")
        default_permissions = ("view",)
        permissions = [("change_configuration", gettext_noop("Can change the configuration"))]

    def __str__(self) -> str:
        return f"{self.number}"


class Adoption(models.Model):
    """Which version a process goes by, and when it last said so.  Kept for minutes only."""

    process = models.CharField(_("process"), max_length=128, primary_key=True)
    kind = models.CharField(_("kind"), max_length=32)
    version = models.PositiveIntegerField(_("version"))
    at = models.DateTimeField(_("last sign"))
    # why the newest version is not in force there
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        ordering = ["kind", "process"]
        verbose_name = _("adoption")
        verbose_name_plural = _("adoptions")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.process}: {self.version}"


class FilesLook(models.Model):
    """What the last look at the files of an environment found.  One row for each environment."""

    environment = models.CharField(_("environment"), max_length=64, primary_key=True)
    at = models.DateTimeField(_("looked at"))
    # why the files as they are now are not in force, a line for each thing that is wrong
    problem = models.TextField(_("problem"), blank=True)

    class Meta:
        verbose_name = _("look at the files")
        verbose_name_plural = _("looks at the files")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.environment}"
