"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MigrationConfig(AppConfig):
    """Rollouts: phases, gates, approvals, rollback."""

    name = "migration"
    verbose_name = _("Rollout")

    def ready(self) -> None:
        """Register settings, marks, what the monitor does, and which originals are kept."""
        from migration import conf, registered  # noqa: F401 - importing registers
