"""The composition root as an app, so that it can have commands and checks."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "pktmask_site"
    label = "pktmask_site"

    def ready(self) -> None:
        """Register the checks."""
        from pktmask_site import checks  # noqa: F401 - importing registers
