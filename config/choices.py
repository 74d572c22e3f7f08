"""Closed vocabularies of this app."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class VersionKind(models.TextChoices):
    """What made a version of the configuration."""

    FILES = "files", _("files changed")
    CONSOLE = "console", _("changed in the console")
    RESTORE = "restore", _("earlier version restored")
