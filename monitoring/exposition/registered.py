"""The collectors of this app.  Every process imports this; what tells is imported when asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

from monitoring.exposition import conf  # noqa: F401 - importing registers
from monitoring.exposition.collectors import Collector, collectors

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

# functions of that name, by the module that they are in
TOLD_BY: Final = {
    "metrics": "measured",
    "health": "judged",
    "alerts": "judged",
    "messages": "judged",
    "routing": "standing",
    "parts": "standing",
    "installation": "standing",
}


def _collector(name: str, module: str) -> Collector:
    def tell(now: datetime) -> Iterable[Family]:
        collector: Collector = getattr(import_module(f"monitoring.exposition.{module}"), name)
        return collector(now)

    return tell


for name, module in TOLD_BY.items():
    collectors.register(name)(_collector(name, module))
