"""The metrics of the registry, whoever registered them: told without being named here.

Counters and histograms are since the first sample.  Gauges are of the newest sample, and left out
when that is too old to say anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import translation
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family

from monitoring.conf import health_settings
from monitoring.exposition.buckets import cumulative, limits_of
from monitoring.exposition.families import gauge
from monitoring.exposition.names import TOTAL, exported
from monitoring.exposition.totals import Totals, totals
from monitoring.metrics.registry import Kind, Metric, registry
from monitoring.models import MetricSample

NOTHING = Totals(samples=0, missed=0, sums={}, histograms={})


def metrics(now: datetime) -> Iterator[Family]:
    """Give how the sampler does, and all metrics of the registry for which there are values."""
    found = totals() or NOTHING
    newest = MetricSample.objects.first()
    yield CounterMetricFamily("pktmask_samples", "Samples that were taken.", found.samples)
    yield CounterMetricFamily(
        "pktmask_samples_missed", "Samples that should have been taken.", found.missed
    )
    values: Mapping[str, Any] = {}
    if newest is not None:
        yield gauge(
            "pktmask_last_sample_timestamp_seconds",
            "Time of the newest sample, since 1970.",
            newest.at.timestamp(),
        )
        if now - newest.at <= timedelta(seconds=health_settings().stale_seconds):
            values = newest.values
    for metric in registry.metrics.values():
        family = _family(metric, found, values)
        if family.samples:
            yield family


def _family(metric: Metric, found: Totals, newest: Mapping[str, Any]) -> Family:
    if metric.kind is Kind.GAUGE:
        return _of_numbers(GaugeMetricFamily, metric, newest)
    if metric.kind is Kind.COUNTER:
        return _of_numbers(CounterMetricFamily, metric, found.sums)
    return _of_histograms(metric, found)


def _of_numbers(
    kind: type[GaugeMetricFamily | CounterMetricFamily], metric: Metric, values: Mapping[str, Any]
) -> Family:
    told = exported(metric)
    name = told.name.removesuffix(TOTAL) if metric.kind is Kind.COUNTER else told.name
    family = kind(name, _help(metric), labels=_labels(metric))
    for key in metric.sample_keys():
        if key in values:
            family.add_metric(_label_values(key), values[key] * told.factor)
    return family


def _of_histograms(metric: Metric, found: Totals) -> Family:
    told = exported(metric)
    family = HistogramMetricFamily(told.name, _help(metric), labels=_labels(metric))
    limits = limits_of(told.unit)
    for key in metric.sample_keys():
        if key in found.histograms:
            histogram = found.histograms[key]
            buckets = [
                ("+Inf" if math.isinf(limit) else str(limit), count)
                for limit, count in cumulative(histogram, told.factor, limits)
            ]
            family.add_metric(_label_values(key), buckets, histogram.total * told.factor)
    return family


def _labels(metric: Metric) -> list[str]:
    return ["arm"] if metric.by_arm else []


def _label_values(key: str) -> list[str]:
    _name, _, arm = key.partition(":")
    return [arm] if arm else []


def _help(metric: Metric) -> str:
    # the same for every reader, whatever language they ask for
    with translation.override("en"):
        text = str(metric.help)
    return f"{text[:1].upper()}{text[1:]}."
