"""Filters of the page of a request for approval."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from migration.choices import GATE_LOOKS, GateVerdict
from migration.gate_rows import FORMATS, LABELS, RULES
from migration.gates.results import Result
from trimming.choices import Look

register = template.Library()


@register.filter
def gate_look(verdict: str) -> Look:
    """Return the tone and the shape of a rule's verdict."""
    return GATE_LOOKS[GateVerdict(verdict)]


@register.filter
def gate_word(verdict: str) -> str:
    """Show a rule's verdict in a word."""
    return str(LABELS[GateVerdict(verdict)])


@register.filter
def rule_title(rule: str) -> str:
    """Show what people call a rule; one of another version of this program keeps its name."""
    return str(RULES[rule][0]) if rule in RULES else rule


@register.filter
def value_text(result: Result) -> str:
    """Show what a rule has compared, in its unit."""
    return "" if result.value is None else _in_unit(result.rule, result.value)


@register.filter
def limit_text(result: Result) -> str:
    """Show what a rule has compared it with, in its unit."""
    return "" if result.limit is None else _in_unit(result.rule, result.limit)


def _in_unit(rule: str, value: float) -> str:
    return FORMATS[RULES[rule][1] if rule in RULES else ""](value)


@register.filter
def decimals(value: float | None, places: int) -> str:
    """Show a number with so many decimals; what is not known is said to be that."""
    return _("not known") if value is None else f"{value:,.{places}f}"
