"""What the page of trends shows: a period against the one before it, and where it leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.conf import health_settings, targets
from monitoring.figures import (
    ARM_NAMES,
    BEFORE,
    NEUTRAL,
    Figure,
    Scale,
    arm_lines,
    byte_scale,
    figure,
    level,
    line,
    mark_lines,
)
from monitoring.marks import Mark
from monitoring.metrics.forecast import Reach, Trend, reach, trend_of
from monitoring.metrics.registry import Kind, Metric, registry
from monitoring.metrics.rollups import DAY, HOUR
from monitoring.metrics.series import PERIODS, Line, Period, Series, compare, ratio, series

CHOICES: Final[Mapping[str, Any]] = {
    "24h": gettext_lazy("24 hours"),
    "7d": gettext_lazy("7 days"),
    "30d": gettext_lazy("30 days"),
}
DEFAULT: Final = "24h"
# what has a chart of its own; all others can be chosen
SHOWN: Final = (
    "input_bytes",
    "message_ms",
    "runs_failed",
    "runs_succeeded",
    "oldest_waiting_seconds",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
)
PERCENT: Final = Scale(1, "%")
SHARE: Final = Scale(0.01, "%")
MILLISECONDS: Final = Scale(1, "ms")
SECONDS: Final = Scale(1, "s")
# forecasts go by days where there are enough of them, else by hours
FORECAST_DAYS: Final = timedelta(days=60)
FORECAST_HOURS: Final = timedelta(days=7)
LEAST_DAYS: Final = 8


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its words."""

    name: str
    title: Any
    note: Any
    figure: Figure
    has_arms: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of this period beside that of the period before."""

    name: Any
    arm: str
    unit: str
    now: float | None
    before: float | None

    @property
    def change_percent(self) -> float | None:
        """By how much it changed; None where that says nothing."""
        if self.now is None or not self.before:
            return None
        return 100 * (self.now - self.before) / self.before


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where one resource goes, and when it would meet each limit."""

    name: Any
    unit: str
    trend: Trend | None
    reaches: Sequence[Reach]


def period_named(name: str) -> Period:
    """Return the period of that name, the default one when there is none."""
    return PERIODS[name if name in CHOICES else DEFAULT]


def metric_named(name: str) -> Metric | None:
    """Return the metric that was chosen besides those that have a chart."""
    return None if name in SHOWN else registry.metrics.get(name)


def other_metrics() -> list[Metric]:
    """Return what can be chosen, by its words."""
    others = [each for name, each in registry.metrics.items() if name not in SHOWN]
    return sorted(others, key=lambda each: str(each.help))


def keys_of(chosen: Metric | None) -> list[str]:
    """Return the keys that the page needs."""
    keys = [key for name in SHOWN for key in registry.metrics[name].sample_keys()]
    return keys + (list(chosen.sample_keys()) if chosen else [])


def read(period: Period, chosen: Metric | None, now: datetime) -> tuple[Series, Series]:
    """Return the period and the one before it, in two queries."""
    return compare(keys_of(chosen), period, now)


def error_lines(found: Series) -> dict[str, Line]:
    """Return the share of failed runs by arm."""
    failed, succeeded = arm_lines(found, "runs_failed"), arm_lines(found, "runs_succeeded")
    return {arm: ratio(failed[arm], succeeded[arm]) for arm in failed}


def charts_of(
    now: Series, before: Series, chosen: Metric | None, marks: Sequence[Mark]
) -> list[Chart]:
    """Return all charts of the page."""
    lines = mark_lines(marks)
    limits = health_settings()
    scale = byte_scale(
        [*arm_lines(now, "input_bytes").values(), *arm_lines(before, "input_bytes").values()]
    )
    target = targets().message_p95_ms
    queue = levels_of(limits.queue_age_seconds_warn, limits.queue_age_seconds_fail, "s")
    error = levels_of(100 * limits.error_rate_warn, 100 * limits.error_rate_fail, "%")
    charts = [
        _armed("throughput", _("Throughput"), now, before, "input_bytes", scale, lines),
        _armed(
            *("latency", _("Latency per HTTP message, p95"), now, before, "message_ms"),
            *(MILLISECONDS, lines),
            levels=[level(target, _("target %(ms)g ms") % {"ms": target}, "target")],
            is_log=True,
        ),
        Chart(
            "errors",
            _("Error rate"),
            _("share of runs that the strategy failed"),
            figure(
                *(now, "%", _pairs(error_lines(now), error_lines(before), SHARE)),
                levels=error,
                marks=lines,
            ),
            has_arms=True,
        ),
        _single("queue", _("Queue age"), now, before, "oldest_waiting_seconds", lines, queue),
    ]
    for name, title, warn, fail in (
        ("cpu", _("CPU"), limits.cpu_percent_warn, limits.cpu_percent_fail),
        ("memory", _("Memory"), limits.memory_percent_warn, limits.memory_percent_fail),
        ("disk", _("Disk"), limits.disk_percent_warn, limits.disk_percent_fail),
    ):
        both = levels_of(warn, fail, "%")
        charts.append(_single(name, title, now, before, f"{name}_percent", lines, both))
    return charts + ([_chosen(chosen, now, before, lines)] if chosen else [])


def levels_of(warn: float, fail: float, unit: str) -> list[Figure]:
    """Return both levels of a threshold, with their values in words."""
    warning = _("warning from %(value)g %(unit)s") % {"value": warn, "unit": unit}
    failure = _("failure from %(value)g %(unit)s") % {"value": fail, "unit": unit}
    return [level(warn, warning, "target"), level(fail, failure, "limit")]


def _armed(
    name: str,
    title: str,
    now: Series,
    before: Series,
    metric: str,
    scale: Scale,
    marks: list[dict[str, str]],
    **more: Any,
) -> Chart:
    drawn = _pairs(arm_lines(now, metric), arm_lines(before, metric), scale)
    note = _sentence(registry.metrics[metric])
    return Chart(name, title, note, figure(now, scale.unit, drawn, marks=marks, **more), True)


def _single(
    name: str,
    title: str,
    now: Series,
    before: Series,
    metric: str,
    marks: list[dict[str, str]],
    levels: Sequence[Figure] = (),
) -> Chart:
    found = registry.metrics[metric]
    scale = _scale_of(found, [now.lines[metric], before.lines[metric]])
    drawn = [
        line(_("before"), BEFORE, before.lines[metric].values, scale),
        line(_("now"), NEUTRAL, now.lines[metric].values, scale),
    ]
    # a limit far above all values would press them flat
    most = max((each for each in now.lines[metric].values if each is not None), default=0.0)
    near = [each for each in levels if found.unit == "%" or each["value"] <= 4 * max(most, 1e-9)]
    shown = figure(now, scale.unit, drawn, marks=marks, levels=near)
    return Chart(name, title, _sentence(found), shown, False)


def _chosen(metric: Metric, now: Series, before: Series, marks: list[dict[str, str]]) -> Chart:
    title = _sentence(metric)
    if not metric.by_arm:
        return _single("chosen", title, now, before, metric.name, marks)
    lines = [*arm_lines(now, metric.name).values(), *arm_lines(before, metric.name).values()]
    return _armed("chosen", title, now, before, metric.name, _scale_of(metric, lines), marks)


def _scale_of(metric: Metric, lines: Sequence[Line]) -> Scale:
    suffix = "/s" if metric.kind is Kind.COUNTER else ""
    if metric.unit == "bytes":
        return byte_scale(lines, suffix)
    if metric.kind is Kind.COUNTER:
        return Scale(1 / 60, f"{metric.unit}/min")
    return Scale(1, metric.unit)


def _sentence(metric: Metric) -> str:
    text = str(metric.help)
    return text[:1].upper() + text[1:]


def _pairs(now: Mapping[str, Line], before: Mapping[str, Line], scale: Scale) -> list[Figure]:
    drawn = [
        line(_("%(arm)s before") % {"arm": ARM_NAMES[arm]}, f"before-{arm}", each.values, scale)
        for arm, each in before.items()
    ]
    return drawn + [line(ARM_NAMES[arm], arm, each.values, scale) for arm, each in now.items()]


def comparison(now: Series, before: Series) -> list[Compared]:
    """Return the figures of both periods."""
    rates = [arm_lines(each, "input_bytes") for each in (now, before)]
    times = [arm_lines(each, "message_ms") for each in (now, before)]
    errors = [error_lines(each) for each in (now, before)]
    scale = byte_scale([line for each in rates for line in each.values()])
    rows = [
        Compared(_("Throughput"), arm, scale.unit, *(scale(each[arm].whole) for each in rates))
        for arm in ARM_NAMES
    ]
    rows += [
        Compared(_("Latency per message, p95"), arm, "ms", *(each[arm].whole for each in times))
        for arm in ARM_NAMES
    ]
    rows += [
        Compared(_("Error rate"), arm, "%", *(SHARE(each[arm].whole) for each in errors))
        for arm in ARM_NAMES
    ]
    singles = (
        ("oldest_waiting_seconds", _("Queue age")),
        ("cpu_percent", _("CPU")),
        ("memory_percent", _("Memory")),
        ("disk_percent", _("Disk")),
    )
    return rows + [
        Compared(
            *(title, "", registry.metrics[key].unit, now.lines[key].whole, before.lines[key].whole)
        )
        for key, title in singles
    ]


def forecasts(now: datetime) -> list[Forecast]:
    """Return when each limit would be met, in one query, or in two while there are few days."""
    limits = health_settings()
    wanted = (
        ("disk_percent", _("Disk"), (limits.disk_percent_warn, limits.disk_percent_fail)),
        ("memory_percent", _("Memory"), (limits.memory_percent_warn, limits.memory_percent_fail)),
        ("cpu_percent", _("CPU"), (limits.cpu_percent_warn, limits.cpu_percent_fail)),
        (
            *("oldest_waiting_seconds", _("Queue age")),
            (limits.queue_age_seconds_warn, limits.queue_age_seconds_fail),
        ),
    )
    keys = [key for key, _title, _limits in wanted]
    found = series(keys, now - FORECAST_DAYS, now, DAY)
    known = sum(each is not None for each in found.lines[keys[0]].values)
    if known < LEAST_DAYS:
        found = series(keys, now - FORECAST_HOURS, now, HOUR)
    result = []
    for key, title, levels in wanted:
        points = list(zip(found.times, found.lines[key].values, strict=True))
        trend = trend_of(points, now)
        reaches = [] if trend is None else [reach(trend, each) for each in levels]
        result.append(Forecast(title, registry.metrics[key].unit, trend, reaches))
    return result
