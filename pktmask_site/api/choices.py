"""What a token lets a script do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """A token may do what its scopes name, and of that only what its person may do."""

    READ = "read", _("See captures, their state, reports and proofs")
    UPLOAD = "upload", _("Upload captures")
    DOWNLOAD = "download", _("Download results")
    ROLLOUT_READ = "rollout:read", _("See where the rollout stands")


# the permission that the person of the token must have as well
PERMISSIONS: Final[Mapping[Scope, str]] = {
    Scope.READ: "trimming.view_capture",
    Scope.UPLOAD: "trimming.add_capture",
    Scope.DOWNLOAD: "trimming.download_capture",
    Scope.ROLLOUT_READ: "migration.view_rollout",
}
