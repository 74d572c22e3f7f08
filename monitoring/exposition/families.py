"""Families of Prometheus' client for what is told most: one value, one for each label, one of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client.core import GaugeMetricFamily


def gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    """Return a gauge with one value."""
    return GaugeMetricFamily(name, help_text, value=value)


def labelled(
    name: str, help_text: str, label: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    """Return a gauge with a value for each value of ``label``."""
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def one_of(
    name: str, help_text: str, label: str, choices: Iterable[str], chosen: str
) -> GaugeMetricFamily:
    """Return a gauge that is 1 for ``chosen`` and 0 for the other choices."""
    return labelled(name, help_text, label, {each: float(each == chosen) for each in choices})


def info(name: str, help_text: str, **labels: str) -> GaugeMetricFamily:
    """Return a gauge that is 1 and says something by its labels."""
    family = GaugeMetricFamily(name, help_text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family
