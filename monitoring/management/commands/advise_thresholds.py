"""``manage.py advise_thresholds``: what was measured says where thresholds should lie."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.conf import health_settings
from monitoring.health.advice import (
    HOLD_MINUTES,
    LEAST_MINUTES,
    Advice,
    advise,
    rolling_percent,
    scaled,
)
from monitoring.metrics.rollups import MINUTE
from monitoring.metrics.series import Series, series

MOST_DAYS: Final = 3660.0
# setting, key of the samples, and what cannot be exceeded
THRESHOLDS: Final = (
    ("cpu_percent", "cpu_percent", 100.0),
    ("memory_percent", "memory_percent", 100.0),
    ("disk_percent", "disk_percent", 100.0),
    ("worker_rss_bytes", "worker_rss_bytes", math.inf),
    ("queue_age_seconds", "oldest_waiting_seconds", math.inf),
)
TREATMENT: Final = ("runs_failed:treatment", "runs_succeeded:treatment")
FAILED: Final = ("runs_failed:control", "runs_failed:treatment")
# setting, what is counted, and of what it is a share
RATES: Final = (
    ("error_rate", FAILED, (*FAILED, "runs_succeeded:control", "runs_succeeded:treatment")),
    ("fallback_rate", ("fallbacks",), TREATMENT),
)


class Command(BaseCommand):
    """Shows present and proposed thresholds with the alerts that each would have given."""

    help = "Propose thresholds of health from what was measured; changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--days", type=float, default=7.0, help="how far to look back; minutes must be kept"
        )
        parser.add_argument("--json", action="store_true", help="print the result as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the advice."""
        days = options["days"]
        if not 0 < days <= MOST_DAYS:
            raise CommandError(f"--days is above 0 and at most {MOST_DAYS:.0f}.")
        found = advice(days)
        if options["json"]:
            plain = {name: None if each is None else asdict(each) for name, each in found.items()}
            self.stdout.write(json.dumps(plain))
            return
        for name, each in found.items():
            self.stdout.write(in_words(name, each, days))


def advice(days: float) -> dict[str, Advice | None]:
    """Return the advice for each threshold; None where too little was measured."""
    now = timezone.now()
    limits = health_settings()
    keys = [key for _, key, _ in THRESHOLDS]
    keys += [key for _, parts, wholes in RATES for key in (*parts, *wholes)]
    past = series(keys, now - timedelta(days=days), now, MINUTE)
    lines = past.lines
    gauges = {
        name: advise(
            lines[key].values,
            getattr(limits, f"{name}_warn"),
            getattr(limits, f"{name}_fail"),
            ceiling,
        )
        for name, key, ceiling in THRESHOLDS
    }
    return gauges | {name: _of_rate(past, name, *counted) for name, *counted in RATES}


def _of_rate(past: Series, name: str, parts: Sequence[str], wholes: Sequence[str]) -> Advice | None:
    """Return the advice for a share, as health takes it: over its window, of enough runs."""
    limits = health_settings()
    percent = rolling_percent(
        _added(past, parts), _added(past, wholes), round(limits.window_minutes), limits.least_runs
    )
    warn, fail = getattr(limits, f"{name}_warn"), getattr(limits, f"{name}_fail")
    found = advise(percent, 100 * warn, 100 * fail, 100.0)
    return None if found is None else scaled(found, 0.01)


def _added(past: Series, keys: Sequence[str]) -> list[float | None]:
    amounts = zip(*(past.lines[key].amounts for key in keys), strict=True)
    return [sum(each or 0.0 for each in minute) for minute in amounts]


def in_words(name: str, found: Advice | None, days: float) -> str:
    """Return one advice as lines of text."""
    if found is None:
        return (
            f"health.{name}: less than {LEAST_MINUTES / 60:.0f} hours were measured within "
            f"{days:g} days, so nothing is proposed."
        )
    rows = [f"health.{name}: {found.minutes:,} minutes, the most was {found.most:,.6g}"]
    for word, each in (("now", found.present), ("proposed", found.proposed)):
        rows.append(
            f"  {word:9}warning {each.warn:,.6g} ({each.warnings} alerts of {HOLD_MINUTES} min "
            f"and more), failure {each.fail:,.6g} ({each.failures})"
        )
    return "\n".join(rows)
