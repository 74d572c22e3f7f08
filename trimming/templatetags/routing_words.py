"""Filters about routing."""

from __future__ import annotations

from django import template

from trimming import routing_words

register = template.Library()


@register.filter
def share_text(share: float) -> str:
    """Show a share from 0 to 1."""
    return routing_words.share_text(share)


@register.filter
def span_text(seconds: float) -> str:
    """Show a number of seconds, whole minutes as such."""
    return routing_words.span_text(seconds)
