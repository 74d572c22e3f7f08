"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MonitoringConfig(AppConfig):
    """Heartbeats, the monitor loop, metrics, health and the live feed."""

    name = "monitoring"
    verbose_name = _("Monitoring")

    def ready(self) -> None:
        """Register settings and metrics, and listen for changes of jobs and captures."""
        from monitoring import (  # noqa: F401 - importing registers and connects
            conf,
            probes,
            receivers,
        )
        from monitoring.alerts import registered as _of_alerts  # noqa: F401 - importing registers
        from monitoring.channels import registered  # noqa: F401 - importing registers
        from monitoring.exposition import registered as _of_figures  # noqa: F401 - as above
        from monitoring.metrics.sources import (  # noqa: F401 - importing registers
            deliveries,
            machine,
            open_files,
            own,
            runs,
        )
        from monitoring.reports import registered as _of_reports  # noqa: F401 - importing registers
