"""What the admins of all apps share: history that is only read, chips, links, readable JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from config.languages.told import told

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    # generic for the type checker only
    AnyAdmin = admin.ModelAdmin


MAX_LINK_CHARACTERS = 48


class ReadOnlyAdmin(AnyAdmin):
    """A model that is looked at: nobody adds, changes or deletes a row here."""

    # the fields of a row's page: names or columns, in tuples when side by side
    rows: Sequence[Any] = ()
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read a query; a number that no database knows is none that Django understands."""
        try:
            return super().get_changelist_instance(request)
        except OverflowError:
            raise IncorrectLookupParameters from None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the rows."""
        return self.rows

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that are shown: all of them are made from the row."""
        shown: list[Any] = []
        for row in self.rows:
            shown.extend(row if isinstance(row, tuple) else [row])
        return shown


def chip(look: tuple[str, str], label: Any) -> SafeString:
    """Return a word with its tone and shape (an icon's name)."""
    tone, shape = look
    context = {"tone": tone, "shape": shape, "label": label, "bare": True}
    return render_to_string("partials/chip.html", context)


def moment(field: str, label: Any) -> Callable[[Any], SafeString | str]:
    """Return a column with a time: local as text (static/js/times.js), exact UTC on hover."""

    @admin.display(description=label, ordering=field)
    def shown(row: Any) -> SafeString | str:
        at: datetime | None = getattr(row, field)
        if at is None:
            return ""
        exact = at.astimezone(UTC)
        return format_html(
            '<time datetime="{}" title="{} UTC">{}</time>',
            f"{exact:%Y-%m-%dT%H:%M:%SZ}",
            f"{exact:%Y-%m-%d %H:%M:%S}",
            date_format(localtime(at), _("j M H:i:s")),
        )

    shown.__name__ = field
    return shown


def stored(field: str, label: Any) -> Callable[[Any], str]:
    """Return a column with what was stored in English, in the language of the page."""

    @admin.display(description=label, ordering=field)
    def shown(row: Any) -> str:
        return told(getattr(row, field))

    shown.__name__ = field
    return shown


def link_to(
    target: Model | None, label: str | Promise | None = None, address: str = ""
) -> SafeString | str:
    """Return a link to the row in the admin (or to ``address``); nothing for no row."""
    if target is None:
        return ""
    meta = target._meta
    row = address or reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[target.pk])
    text = str(label or target)
    cut = text if len(text) <= MAX_LINK_CHARACTERS else f"{text[: MAX_LINK_CHARACTERS - 1]}…"
    return format_html('<a href="{}" title="{}">{}</a>', row, text, cut)


def pretty_json(value: Any) -> SafeString | str:
    """Return plain values as indented text."""
    if value is None:
        return _("none")
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False)
    return format_html('<pre class="json">{}</pre>', text)
