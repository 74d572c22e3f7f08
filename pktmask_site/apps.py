"""The composition root as an app, so that it can have commands and checks."""

import gc

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SiteConfig(AppConfig):
    """The site."""

    name = "pktmask_site"
    label = "pktmask_site"
    verbose_name = _("Access")

    def ready(self) -> None:
        """Register checks, settings, alerts, and what the monitor does."""
        from pktmask_site import checks  # noqa: F401 - importing registers
        from pktmask_site.api import conf as api_conf  # noqa: F401 - importing registers
        from pktmask_site.api import with_account  # noqa: F401 - importing registers
        from pktmask_site.recovery import (  # noqa: F401 - importing registers
            conf,
            registered,
            report_parts,
        )
        from pktmask_site.sign_in import alerts, sessions  # noqa: F401 - importing registers

        # all apps are there now and stay; what is forked from here shares their memory
        gc.freeze()
        gc.enable()
