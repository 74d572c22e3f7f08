"""Filters that show spans of time."""

from __future__ import annotations

from django import template

from migration import spans

register = template.Library()


@register.filter
def long_span(seconds: float) -> str:
    """Show a number of seconds, which may be weeks."""
    return spans.long_span(seconds)
