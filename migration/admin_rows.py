"""Rows of rollouts in the admin: what all of their pages share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from config.admin_rows import ReadOnlyAdmin, chip, link_to
from migration.choices import GATE_LOOKS, GateVerdict
from migration.gate_rows import LABELS

Queryset = QuerySet[Any]


class HistoryAdmin(ReadOnlyAdmin):
    """Rows that may be long: of ``large`` columns lists know nothing."""

    large: Sequence[str] = ()
    # links of other pages may narrow the list by these
    links: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> Queryset:
        """Leave large columns out of lists."""
        found = super().get_queryset(request)
        is_list = request.resolver_match is not None and "object_id" not in (
            request.resolver_match.kwargs
        )
        return found.defer(*self.large) if is_list and self.large else found

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow the links from other pages."""
        return lookup in self.links or super().lookup_allowed(lookup, value, request)


def list_of(model: str, lookup: str, row: Any, label: Any) -> SafeString | str:
    """Link to the rows of another model that belong to ``row``."""
    address = reverse(f"admin:migration_{model}_changelist")
    return link_to(row, label, f"{address}?{lookup}={row.pk}")


def verdict_chip(value: str) -> SafeString:
    """Show a verdict by colour, shape and word."""
    verdict = GateVerdict(value)
    return chip(GATE_LOOKS[verdict], LABELS[verdict])


def rules_table(results: list[dict[str, Any]]) -> SafeString | str:
    """Show what each rule said."""
    if not results:
        return gettext("no rule was asked")
    rows = [{**each, "look": GATE_LOOKS[GateVerdict(each["verdict"])]} for each in results]
    return render_to_string("admin/migration/rules.html", {"rows": rows})
