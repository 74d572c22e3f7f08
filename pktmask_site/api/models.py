"""Tokens of scripts."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from pktmask_site.api.choices import Scope
from trimming.choices import Look


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Queries over tokens."""

    def valid_at(self, now: datetime) -> ApiTokenQuerySet:
        """Return those that are let in at that time."""
        return self.filter(
            Q(expires_at__gt=now), revoked_at__isnull=True, user__is_active=True
        ).select_related("user")


class ApiToken(models.Model):
    """What lets a script in for a person.  Of the token itself only a digest is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("whose"),
        on_delete=models.CASCADE,
        related_name="api_tokens",
    )
    name = models.CharField(_("name"), max_length=64)
    prefix = models.CharField(_("begins with"), max_length=16)
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    # values of Scope, in their order
    scopes = models.JSONField(_("scopes"), default=list)
    created_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("expires"))
    # to the minute
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        default_permissions = ("view",)
        permissions = [("revoke_apitoken", gettext_noop("Can revoke the tokens of everybody"))]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def may(self, scope: Scope) -> bool:
        """Whether it lets a script do that."""
        return scope.value in self.scopes

    @property
    def is_open(self) -> bool:
        """Whether it was not revoked, and is not over."""
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def standing(self) -> str:
        """How it stands, in a word."""
        if self.revoked_at is not None:
            return _now("Revoked")
        return _now("Valid") if self.is_open else _now("Expired")

    @property
    def look(self) -> Look:
        """Tone and shape of that."""
        return Look("ok", "ok") if self.is_open else Look("unknown", "stop")

    @property
    def scope_texts(self) -> str:
        """Its scopes, to be read."""
        return ", ".join(self.scopes)
