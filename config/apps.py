"""The app's entry in Django."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConfigConfig(AppConfig):
    """Configuration, roles and the audit log."""

    name = "config"
    verbose_name = _("Configuration")

    def ready(self) -> None:
        """Listen to what belongs into the audit log."""
        from config import receivers  # noqa: F401 - importing connects
