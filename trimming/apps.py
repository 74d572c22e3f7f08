"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrimmingConfig(AppConfig):
    """Captures, profiles, jobs and runs."""

    name = "trimming"
    verbose_name = _("Trimming")

    def ready(self) -> None:
        """Register the settings, listen for the end of a migrate, and let rollbacks go first."""
        from django.db.backends.signals import connection_created

        from trimming import (
            conf,  # noqa: F401 - importing registers
            receivers,  # noqa: F401 - importing connects
            turnstile,
        )

        connection_created.connect(turnstile.install)
