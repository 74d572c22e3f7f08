"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrimmingConfig(AppConfig):
    """Captures, profiles, jobs and runs."""

    name = "trimming"
    verbose_name = _("Trimming")

    def ready(self) -> None:
        """Register the settings, and listen for the end of a migrate."""
        from trimming import conf, receivers  # noqa: F401 - importing registers and connects
