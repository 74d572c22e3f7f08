"""Filters about classes of bytes."""

from __future__ import annotations

from django import template

from trimming.byte_bar import NAMES, Text

register = template.Library()


@register.filter
def class_name(stored: str) -> Text:
    """Show the name of a class that a report has in small letters; one that is not known stays."""
    return NAMES.get(stored, stored)
