"""Tokens in the admin: looked at and revoked, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.admin_rows import ReadOnlyAdmin, moment
from pktmask_site.api.models import ApiToken
from pktmask_site.api.tokens import revoke

MADE = moment("created_at", _("made"))
EXPIRES = moment("expires_at", _("expires"))
USED = moment("last_used_at", _("last used"))
REVOKED = moment("revoked_at", _("revoked"))


@admin.action(description=_("Revoke the selected tokens"), permissions=["revoke"])
def revoke_tokens(model_admin: Any, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
    """Let them in no more."""
    count = revoke(queryset, timezone.now(), request)
    said = ngettext("%(n)d token was revoked.", "%(n)d tokens were revoked.", count)
    model_admin.message_user(request, said % {"n": count}, messages.SUCCESS)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Whose token it is, what it may do, until when, and when it was used."""

    list_display = ("name", "user", "prefix", "scope_texts", MADE, EXPIRES, USED, REVOKED)
    list_filter = ("revoked_at", "expires_at")
    search_fields = ("name", "user__username", "prefix")
    search_help_text = _("Name, whose, or how it begins")
    list_select_related = ("user",)
    actions = (revoke_tokens,)
    rows = (("name", "user", "prefix"), "scope_texts", (MADE, EXPIRES, USED, REVOKED))

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Tell who may revoke."""
        return request.user.has_perm("pktmask_site.revoke_apitoken")
