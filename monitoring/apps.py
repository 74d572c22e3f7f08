"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitoringConfig(AppConfig):
    """Heartbeats, the monitor loop, metrics, health and the live feed."""

    name = "monitoring"
    verbose_name = _("Monitoring")

    def ready(self) -> None:
        """Register settings and metrics, and listen for changes of jobs and captures."""
        from monitoring import conf, receivers  # noqa: F401 - importing registers and connects
        from monitoring.metrics.sources import (  # noqa: F401 - importing registers
            machine,
            open_files,
            own,
            runs,
        )
