"""Filters for rows of the list."""

from __future__ import annotations

from datetime import datetime

from django import template

from trimming.listing import Row

register = template.Library()


@register.filter
def ran_seconds(row: Row, now: datetime) -> float | None:
    """Return how long the row's attempt ran, up to ``now``."""
    return row.ran_seconds(now)
