"""Filters that show numbers.  What is not known is shown as nothing."""

from __future__ import annotations

from django import template

from trimming import quantities

register = template.Library()


@register.filter
def size(value: float | None) -> str:
    """Show a number of bytes."""
    return "" if value is None else quantities.size(value)


@register.filter
def limit(value: int) -> str:
    """Show a round number of bytes."""
    return quantities.limit(value)


@register.filter
def rate(value: float | None) -> str:
    """Show a number of bytes a second."""
    return "" if value is None else quantities.rate(value)


@register.filter
def duration(value: float | None) -> str:
    """Show a number of seconds."""
    return "" if value is None else quantities.duration(value)


@register.filter
def percent(value: float | None, whole: float | None) -> str:
    """Show ``value`` as a share of ``whole``."""
    return "" if value is None or whole is None else quantities.percent(value, whole)


@register.filter
def share(value: float | None) -> str:
    """Show a share that is given in percent."""
    return "" if value is None else quantities.percent(value, 100)


@register.filter
def clock(value: float | None) -> str:
    """Show a number of seconds that is counted on."""
    return "" if value is None else quantities.clock(value)


@register.filter
def count(value: int | None) -> str:
    """Show a number of things."""
    return "" if value is None else quantities.count(value)
