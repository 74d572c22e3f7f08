"""Filters that put what the pipeline did into words."""

from __future__ import annotations

from typing import Any

from django import template

from monitoring.alerts.models import AlertStep
from monitoring.alerts.rule_rows import title_of, unit_of
from monitoring.alerts.values import Why
from monitoring.alerts.words import KINDS, look_of, sentence_of
from trimming.choices import Look

register = template.Library()


register.filter("metric_title", title_of)
register.filter("metric_unit", unit_of)


@register.filter
def why_text(value: str) -> Any:
    """Show why something waits or was suppressed."""
    return Why(value).label if value in Why.values else value


@register.filter
def kind_text(value: str) -> Any:
    """Show what a message was about."""
    return KINDS.get(value, value)


@register.filter
def step_text(step: AlertStep) -> str:
    """Show a step as a sentence."""
    return sentence_of(step.stage, step.what, step.details)


@register.filter
def step_look(step: AlertStep) -> Look:
    """Return tone and shape of a step."""
    return look_of(step.stage, step.what)
