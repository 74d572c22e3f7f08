"""Offline tests in the admin: read, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, link_to, moment, pretty_json
from trimming.models import OfflineTest

TAKEN = moment("at", _("time"))


@admin.register(OfflineTest)
class OfflineTestAdmin(ReadOnlyAdmin):
    """Results of ``manage.py ab_test --store``."""

    list_display = ("name", "captures", "actor", TAKEN)
    list_filter = ("actor", "at")
    search_fields = ("name", "actor__username")
    search_help_text = _("Name or who stored it")
    date_hierarchy = "at"
    list_select_related = ("actor",)
    rows = (("name", "page"), ("captures", "actor", TAKEN), "result_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave the results out of lists: they are large."""
        found = super().get_queryset(request)
        is_list = request.resolver_match is not None and "object_id" not in (
            request.resolver_match.kwargs
        )
        return found.defer("result") if is_list else found

    @admin.display(description=_("page"))
    def page(self, test: OfflineTest) -> SafeString | str:
        """Link to the page with figures and pictures."""
        return link_to(test, _("Open its page"), reverse("offline_tests:test", args=[test.pk]))

    @admin.display(description=_("result"))
    def result_text(self, test: OfflineTest) -> SafeString | str:
        """Show the whole result; it holds counts and names of files, never payload."""
        return pretty_json(test.result)
