"""The admin, as part of the console."""

from __future__ import annotations

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class ConsoleAdminSite(AdminSite):
    """Django's admin under the console's name."""

    site_header = _("PktMask administration")
    site_title = _("PktMask")
    index_title = _("Administration")
    site_url = "/"


class ConsoleAdminConfig(AdminConfig):
    """Installs ConsoleAdminSite as the admin."""

    default_site = "pktmask_site.admin_site.ConsoleAdminSite"
