"""The rules that operators added: the last minute of a metric against its threshold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.languages.told import listed
from monitoring.alerts.inbox import Rule, Unknown, inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.models import AlertRule, Comparison, RuleMode
from monitoring.alerts.values import Condition
from monitoring.metrics.registry import Kind, registry
from monitoring.metrics.series import series

OWN: Final = Rule("own_*", gettext_lazy("A rule of your own"), runbook="own-rules")
# what is compared is of so long a time: means of gauges, rates a second of counters, and 95 %
# quantiles of histograms, as the back-test takes them from rollups of a minute
MINUTE: Final = timedelta(minutes=1)
STEP_SECONDS: Final = 10


def is_wrong(value: float, comparison: str, threshold: float) -> bool:
    """Tell whether a value is on the wrong side of a threshold."""
    return value > threshold if comparison == Comparison.ABOVE else value < threshold


def title_of(key: str) -> str:
    """Return what a metric is called, with its arm where it has arms."""
    metric = registry.of_key(key)
    if metric is None:
        return key
    name, arm = str(metric.help), key.partition(":")[2]
    return listed([f"{name[:1].upper()}{name[1:]}", *([arm] if arm else [])])


def unit_of(metric: str) -> str:
    """Return the unit of what is compared; a counter is compared as a rate."""
    found = registry.of_key(metric)
    if found is None:
        return ""
    return f"{found.unit}/s" if found.kind is Kind.COUNTER else found.unit


def own(now: datetime) -> Iterator[Condition | Unknown]:
    """Give the rules whose last minute was wrong; nothing is known of one without a value."""
    rules = list(AlertRule.objects.exclude(mode=RuleMode.OFF))
    lines = series({rule.metric for rule in rules}, now - MINUTE, now, STEP_SECONDS).lines
    for rule in rules:
        value = lines[rule.metric].whole
        if value is None:
            yield Unknown(rule.rule)
        elif is_wrong(value, rule.comparison, rule.threshold):
            yield condition_of(rule, value)


def condition_of(rule: AlertRule, value: float) -> Condition:
    """Return what is wrong by a rule."""
    unit = unit_of(rule.metric)
    said = _("%(metric)s was %(value)s in the last minute; it should not be %(is)s %(limit)s.")
    metric = registry.of_key(rule.metric)
    names = {
        "metric": rule.metric if metric is None else str(metric.help),
        "value": f"{value:,.4g} {unit}".strip(),
        "is": rule.get_comparison_display(),
        "limit": f"{rule.threshold:,.4g} {unit}".strip(),
    }
    text = said % names
    return Condition(
        rule=rule.rule,
        severity=Severity(rule.severity),
        title=rule.name,
        sentence=text[:1].upper() + text[1:],
        value=value,
        limit=rule.threshold,
        unit=unit,
        metric=rule.metric,
        actions=(rule.action,) if rule.action else (),
        runbook=OWN.anchor,
        hold_seconds=rule.for_seconds,
        is_dry=rule.mode == RuleMode.DRY,
    )


inbox.register("own", own, OWN)
