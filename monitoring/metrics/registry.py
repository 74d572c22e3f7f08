"""The metrics: what each is called, its unit, what it means, and who measures it.

A source is asked once for each sample and answers for a window of time.  To add a metric, call
``register`` when the app starts (monitoring/metrics/sources/open_files.py is an example); it then
appears in samples, rollups, trends, exports and on the page for Prometheus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from monitoring.metrics.facts import RunFact, ShadowFact
from monitoring.metrics.histograms import Histogram

ARMS: Final = ("control", "treatment")
# what every system outside takes as a name, too
NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Kind(Enum):
    """How values of one metric are put together over time."""

    COUNTER = "counter"  # how much happened in the window: added up
    GAUGE = "gauge"  # how it was at the end of the window: mean, least and most
    HISTOGRAM = "histogram"  # the values of what happened in the window: merged


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.  ``by_arm`` ones are kept as ``name:control`` and ``name:treatment``."""

    name: str
    unit: str
    kind: Kind
    help: Any  # a sentence, translated when shown
    by_arm: bool = False

    def sample_keys(self) -> tuple[str, ...]:
        """Return the keys under which samples hold it."""
        return tuple(f"{self.name}:{arm}" for arm in ARMS) if self.by_arm else (self.name,)


@dataclass(frozen=True, slots=True)
class Window:
    """What one sample is about: half-open from ``start`` to ``end``, and what ended in it."""

    start: datetime
    end: datetime
    runs: Sequence[RunFact] = ()
    shadows: Sequence[ShadowFact] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end - self.start).total_seconds()


Values = Mapping[str, float | Histogram]
Source = Callable[[Window], Values]


class Registry:
    """Metrics with their sources."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._sources: list[Source] = []

    def register(self, source: Source, *metrics: Metric) -> None:
        """Add ``metrics`` that ``source`` measures.

        Raises ValueError when a name is taken, or is not of small letters, digits and underscores.
        """
        for metric in metrics:
            if not NAME.fullmatch(metric.name):
                raise ValueError(f"{metric.name!r} is no name of a metric, as in cpu_percent")
            if metric.name in self._metrics:
                raise ValueError(f"there is a metric {metric.name} already")
            self._metrics[metric.name] = metric
        self._sources.append(source)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name."""
        return self._metrics

    @property
    def sources(self) -> Sequence[Source]:
        """All sources, in the order of their registration."""
        return self._sources

    def of_key(self, key: str) -> Metric | None:
        """Return the metric that a sample holds under ``key``; None when it is gone."""
        return self._metrics.get(key.partition(":")[0])


registry = Registry()
