"""Users in the admin with their second factor, whose keys are nobody's to see; and API tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.admin import ConsoleUserAdmin
from config.audit import record
from pktmask_site.api.admin import ApiTokenAdmin

__all__ = ["ApiTokenAdmin", "SiteUserAdmin"]

for _keys in (TOTPDevice, StaticDevice):
    admin.site.unregister(_keys)
admin.site.unregister(User)


@admin.register(User)
class SiteUserAdmin(ConsoleUserAdmin):
    """Who lost the second factor asks an administrator to take it away."""

    list_display: Any = (*ConsoleUserAdmin.list_display, "second_factor")
    actions = ("take_second_factor_away",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bring along whether there is one."""
        on = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(has_second_factor=Exists(on))

    @admin.display(description=gettext_lazy("second factor"), boolean=True)
    def second_factor(self, user: User) -> bool:
        """Say whether signing in asks for a code."""
        return bool(getattr(user, "has_second_factor", False))

    @admin.action(
        description=gettext_lazy("Take the second factor away, and end the sign-ins"),
        permissions=["change"],
    )
    def take_second_factor_away(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """Do it for people who lost theirs; nobody does it for himself."""
        # the admin is found first of all apps, and settings are listed in the order of apps
        from pktmask_site.second_factor.devices import take_away
        from pktmask_site.sign_in.sessions import end_others

        taken = 0
        for user in users:
            if user == request.user:
                messages.error(request, _("Switch your own second factor off on its page."))
            elif take_away(user):
                end_others(user, None)
                record("second_factor_taken_away", request=request, target=user)
                taken += 1
        messages.success(request, _("Second factors taken away: %(count)s.") % {"count": taken})
