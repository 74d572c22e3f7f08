"""Names and units outside follow Prometheus' conventions."""

from __future__ import annotations

import pytest

from monitoring.exposition.names import exported
from monitoring.metrics.registry import Kind, Metric, registry


@pytest.mark.parametrize(
    ("name", "unit", "kind", "wanted", "factor"),
    [
        ("message_ms", "ms", Kind.HISTOGRAM, "pktmask_message_seconds", 0.001),
        ("waited_seconds", "s", Kind.HISTOGRAM, "pktmask_waited_seconds", 1.0),
        ("masked_bytes", "bytes", Kind.COUNTER, "pktmask_masked_bytes_total", 1.0),
        ("cpu_percent", "%", Kind.GAUGE, "pktmask_cpu_ratio", 0.01),
        ("fallbacks", "runs", Kind.COUNTER, "pktmask_fallbacks_total", 1.0),
        ("policy_version", "", Kind.GAUGE, "pktmask_policy_version", 1.0),
        ("age", "s", Kind.GAUGE, "pktmask_age_seconds", 1.0),
    ],
)
def test_a_metric_is_told_in_base_units(
    name: str, unit: str, kind: Kind, wanted: str, factor: float
) -> None:
    told = exported(Metric(name, unit, kind, "what it is"))
    assert (told.name, told.factor) == (wanted, factor)


def test_no_two_metrics_of_the_service_have_one_name_outside() -> None:
    names = [exported(metric).name for metric in registry.metrics.values()]
    assert len(set(names)) == len(names)
