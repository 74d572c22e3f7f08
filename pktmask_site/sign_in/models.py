"""Tries to sign in."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class SignInTry(models.Model):
    """What was tried with a name, or from an address.  ``key`` is a digest: neither is kept.

    Times are microseconds since 1970, so that a database can count with them in one statement.
    """

    key = models.CharField(_("key"), max_length=64, primary_key=True)
    # when all tries will have come back
    full_at = models.BigIntegerField(_("full at"), default=0, db_index=True)
    told_at = models.BigIntegerField(_("told at"), default=0)
    # refused since then
    untold = models.BigIntegerField(_("refused and not told yet"), default=0, db_default=0)
    known_until = models.BigIntegerField(_("known until"), default=0)

    class Meta:
        verbose_name = _("try to sign in")
        verbose_name_plural = _("tries to sign in")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key[:8]
