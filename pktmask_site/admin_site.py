"""The admin, as part of the console."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

# as in migration.approvals, which needs the apps
APPROVAL = "migration.approve_phase"


class ConsoleAdminSite(AdminSite):
    """Django's admin under the console's name."""

    site_header = _("PktMask administration")
    site_title = _("PktMask")
    index_title = _("Administration")
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever works here: staff, and approvers, whose queue is here."""
        user = request.user
        return super().has_permission(request) or (user.is_active and user.has_perm(APPROVAL))

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """Lead to the console's login; who is signed in and may not be here is told so."""
        from django.contrib.auth.views import redirect_to_login  # needs the apps

        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


class ConsoleAdminConfig(AdminConfig):
    """Installs ConsoleAdminSite as the admin."""

    default_site = "pktmask_site.admin_site.ConsoleAdminSite"
