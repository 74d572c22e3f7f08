"""Who tells what.  A collector gives families of Prometheus' client, made of stored state.

Apps above register theirs when they start, without being known here.  One that fails leaves its own
families out and is told of by ``pktmask_collector_up``: what is not known is not guessed.

Every process imports this; Prometheus' client is imported by who is asked for its page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from config.faults import type_and_place

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

log = structlog.get_logger("pktmask.exposition")
Collector = Callable[[datetime], "Iterable[Family]"]


class Collectors:
    """Collectors by name, in the order of registering."""

    def __init__(self) -> None:
        self._collectors: dict[str, Collector] = {}

    def register(self, name: str) -> Callable[[Collector], Collector]:
        """Add a collector, as a decorator; raises ValueError when the name is taken."""

        def add(collector: Collector) -> Collector:
            if name in self._collectors:
                raise ValueError(f"there is a collector {name} already")
            self._collectors[name] = collector
            return collector

        return add

    def collect(self, now: datetime) -> Iterator[Family]:
        """Give the families of all collectors, each name once."""
        from monitoring.exposition.families import labelled

        up: dict[str, float] = {}
        told: set[str] = set()
        for name, collector in self._collectors.items():
            try:
                found = list(collector(now))
            except Exception as error:  # of an app that is not known here; the others go on
                log.error("collector_failed", collector=name, **type_and_place(error))
                found = []
                up[name] = 0
            else:
                up[name] = 1
            for family in found:
                if family.name in told:
                    log.error("metric_told_twice", collector=name, metric=family.name)
                    continue
                told.add(family.name)
                yield family
        said = "Whether a part of this page could be made."
        yield labelled("pktmask_collector_up", said, "collector", up)


collectors = Collectors()
