"""The page itself, in the format that the reader asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family

from monitoring.exposition.collectors import Collectors
from monitoring.exposition.collectors import collectors as the_collectors


@dataclass(frozen=True, slots=True)
class _At:
    """What Prometheus' client asks for families."""

    collectors: Collectors
    now: datetime

    def collect(self) -> Iterator[Family]:
        """Give all families."""
        return self.collectors.collect(self.now)


def page_at(
    now: datetime, accept: str, collectors: Collectors = the_collectors
) -> tuple[bytes, str]:
    """Return the page and its content type; ``accept`` is what the reader can read."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_At(collectors, now))
    return encode(registry), content_type
