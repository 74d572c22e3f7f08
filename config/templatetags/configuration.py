"""Filters that show settings."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config.languages.told import told
from config.layers import Origin
from config.sections import number
from config.setting_rows import LAYERS

register = template.Library()


@register.filter
def value(given: object) -> str:
    """Show the value of a setting."""
    return number(given) or _("empty")


@register.filter
def layer(origin: Origin) -> str:
    """Show in a word which layer a value comes from."""
    return str(LAYERS[origin.layer])


@register.filter
def place(text: str) -> SafeString:
    """Show where a value stands; the long name of a variable may be broken between its parts."""
    parts = told(text).split("__")
    return format_html_join(mark_safe("__<wbr>"), "{}", ((part,) for part in parts))


@register.filter
def problem(found: object) -> str:
    """Show what is wrong, behind the place where it stands."""
    name, between, reason = str(found).partition(": ")
    if not between:
        return told(name)
    return _("%(name)s: %(reason)s") % {"name": told(name), "reason": told(reason)}


@register.filter
def code(text: str) -> SafeString:
    """Show a sentence in which backticks mark what is typed as it stands."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts)
    )
