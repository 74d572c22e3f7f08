"""Filters that show measured values."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.formats import localize

from monitoring.choices import VERDICT_LOOKS, Verdict
from monitoring.figures import significant
from trimming.choices import Look

register = template.Library()


@register.filter
def figures(value: Any) -> str:
    """Show a number with three figures, as in "6.4", "0.28" or "1,250"; others as they are."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    rounded = significant(float(value), 3) if abs(value) < 1000 else float(round(value))
    return f"{rounded:,.0f}" if rounded.is_integer() else str(localize(rounded))


@register.filter
def unit_apart(text: str) -> tuple[str, str]:
    """Return a number and its unit apart."""
    number, _, unit = text.rpartition(" ")
    return number, unit


@register.filter
def verdict_look(value: str) -> Look:
    """Return the tone and the shape of a verdict."""
    return VERDICT_LOOKS[Verdict(value) if value in Verdict.values else Verdict.UNKNOWN]


@register.filter
def signed(value: float) -> str:
    """Show a difference with three figures and its sign."""
    if value == 0:
        return "±0"
    sign = "+" if value > 0 else "\N{MINUS SIGN}"
    return f"{sign}{figures(abs(value))}"


@register.filter
def signed_tenths(value: float) -> str:
    """Show a difference with one decimal and its sign."""
    return signed(round(value, 1))
