"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MigrationConfig(AppConfig):
    """Rollouts: phases, gates, approvals, rollback."""

    name = "migration"
    verbose_name = _("Rollout")

    def ready(self) -> None:
        """Register settings, what apps below are given, news, and what the monitor does."""
        from migration import (  # noqa: F401 - importing registers
            conf,
            panel,
            receivers,
            registered,
            report_parts,
        )
