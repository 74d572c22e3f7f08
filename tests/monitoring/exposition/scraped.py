"""The page for Prometheus, read back by Prometheus' own parser."""

from __future__ import annotations

from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families

from monitoring.exposition.collectors import Collectors, collectors
from monitoring.exposition.page import page_at

Page = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def page(now: datetime, of: Collectors = collectors) -> Page:
    """Return the values of the page by name and labels."""
    content, _ = page_at(now, "", of)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(content.decode())
        for sample in family.samples
    }


def value(found: Page, name: str, **labels: str) -> float | None:
    """Return one value; None where the page has none."""
    return found.get((name, tuple(sorted(labels.items()))))
