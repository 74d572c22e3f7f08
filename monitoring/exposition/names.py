"""How a metric of the registry is called outside: Prometheus' names and base units.  Pure.

https://prometheus.io/docs/practices/naming/: one prefix, seconds and bytes and ratios instead of
their multiples, and ``_total`` behind what only grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monitoring.metrics.registry import Kind, Metric

PREFIX: Final = "pktmask_"
TOTAL: Final = "_total"


@dataclass(frozen=True, slots=True)
class BaseUnit:
    """What a unit becomes: the ending of names that it has, the one that they get, a factor."""

    ending: str
    becomes: str
    factor: float


BASE_UNITS: Final[Mapping[str, BaseUnit]] = {
    "s": BaseUnit("_seconds", "_seconds", 1.0),
    "ms": BaseUnit("_ms", "_seconds", 0.001),
    "bytes": BaseUnit("_bytes", "_bytes", 1.0),
    "%": BaseUnit("_percent", "_ratio", 0.01),
}
# of a unit that has no base, as in captures
AS_IT_IS: Final = BaseUnit("", "", 1.0)


@dataclass(frozen=True, slots=True)
class Exported:
    """A metric as it is told: its name, and by what its values are multiplied."""

    name: str
    factor: float
    unit: str


def exported(metric: Metric) -> Exported:
    """Return how ``metric`` is told."""
    base = BASE_UNITS.get(metric.unit, AS_IT_IS)
    stem = metric.name.removesuffix(base.ending) if base.ending else metric.name
    ending = TOTAL if metric.kind is Kind.COUNTER else ""
    return Exported(f"{PREFIX}{stem}{base.becomes}{ending}", base.factor, base.becomes.lstrip("_"))
