"""An app above that has a source of alerts: what is wrong stands in a file of the test."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.apps import AppConfig

if TYPE_CHECKING:
    from monitoring.alerts.values import Condition

NAME: Final = "written"
FILE: Final = "written_alerts.json"


def write(folder: Path, *, count: int, began: float, seconds: float) -> None:
    """Have ``count`` alerts fire, evenly spread over ``seconds`` from ``began`` on, and stay."""
    fresh = folder / f"{FILE}.new"
    fresh.write_text(json.dumps({"count": count, "began": began, "seconds": seconds}))
    fresh.rename(folder / FILE)


def severity_of(number: int) -> str:
    """Return the severity of an alert: each in its turn."""
    return ("critical", "low", "medium", "high")[number % 4]


def due(count: int, began: float, seconds: float, now: float) -> int:
    """Return how many are wrong at ``now``."""
    return max(0, min(count, 1 + int(count * (now - began) / seconds)))


class WrittenAlerts(AppConfig):
    """Registers the source."""

    name = "tests.services.alerts"
    label = "written_alerts"

    def ready(self) -> None:
        """Register it, as apps above do."""
        from monitoring.alerts.inbox import Rule, inbox

        rule = Rule(NAME, "Something is wrong", ("Read the test.",), runbook="own-rules")
        path = Path(os.environ["PKTMASK_DATA_DIR"]) / FILE

        def source(now: datetime) -> Iterator[Condition]:
            from monitoring.alerts.message import Severity
            from monitoring.alerts.values import labels_of

            if not path.exists():
                return
            plan = json.loads(path.read_text())
            for number in range(due(**plan, now=now.timestamp())):
                yield rule.holds(
                    Severity(severity_of(number)),
                    "It is 91 %; the limit is 80 %.",
                    title=f"Number {number} is wrong",
                    labels=labels_of(number=str(number)),
                )

        inbox.register(NAME, source, rule)
