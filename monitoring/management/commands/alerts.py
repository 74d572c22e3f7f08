"""``manage.py alerts list|acknowledge|silence``: alerts without a browser."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from monitoring.alerts.acts import RefusedError, acknowledge, silence
from monitoring.alerts.models import Alert, Silence
from monitoring.alerts.tables import matchers_text
from monitoring.alerts.values import OPEN, AlertState
from trimming.management.commands.emergency_rollback import who

ACTIONS: Final = ("list", "acknowledge", "silence")


class Command(BaseCommand):
    """Shows what fires, and does what the page Alerts does."""

    help = "List open alerts, acknowledge some or all of them, or make a silence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("keys", nargs="*", help="keys of alerts, as `list` shows them")
        parser.add_argument("--all", action="store_true", help="acknowledge all that fire")
        parser.add_argument("--match", default="", help="of a silence, as in rule=disk")
        parser.add_argument("--hours", type=float, default=1.0, help="how long a silence lasts")
        parser.add_argument("--reason", default="", help="why; kept with the alert or the silence")
        parser.add_argument("--json", action="store_true", help="print the result as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say what came of it."""
        done = {"list": self._list, "acknowledge": self._acknowledge, "silence": self._silence}
        try:
            found, lines = done[options["action"]](options)
        except RefusedError as refusal:
            raise CommandError(f"Nothing was changed: {refusal}") from None
        self.stdout.write(json.dumps(found) if options["json"] else "\n".join(lines))

    def _list(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        rows = list(Alert.objects.filter(state__in=OPEN))
        lines = [
            f"{each.key}  {each.severity:8}  {standing(each):12}  {each.title}: {each.sentence}"
            for each in rows
        ]
        return {"alerts": [shown(each) for each in rows]}, lines or ["No alert is open."]

    def _acknowledge(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        keys = options["keys"]
        if bool(keys) == options["all"]:
            raise RefusedError("name alerts by their keys, or give --all.")
        if options["all"]:
            keys = list(Alert.objects.filter(state=AlertState.FIRING).values_list("pk", flat=True))
        done = acknowledge(keys, who(), timezone.now(), options["reason"])
        said = f"{len(done)} of {len(keys)} acknowledged; others do not fire, or were before."
        return {"acknowledged": done, "asked": keys}, [said]

    def _silence(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        now = timezone.now()
        if not 0 < options["hours"] < 10_000:
            raise RefusedError("--hours is above 0.")
        ends = now + timedelta(hours=options["hours"])
        row = silence(options["match"], who(), options["reason"], now, ends, now)
        text = matchers_text(tuple(row.matchers.items()))
        said = f"Silence {row.pk} for {text} until {row.ends:%Y-%m-%d %H:%M} UTC."
        return {"silence": shown_silence(row)}, [said]


def standing(alert: Alert) -> str:
    """Return where an alert stands, in a word."""
    if alert.muted:
        return "muted"
    return "acknowledged" if alert.acknowledged_at else str(alert.state)


def shown(alert: Alert) -> dict[str, Any]:
    """Return an alert as plain values."""
    return {
        "key": alert.key,
        "rule": alert.rule,
        "labels": alert.labels,
        "severity": alert.severity,
        "state": alert.state,
        "standing": standing(alert),
        "title": alert.title,
        "sentence": alert.sentence,
        "value": alert.value,
        "limit": alert.limit,
        "unit": alert.unit,
        "since": alert.since.isoformat(),
        "level": alert.level,
        "acknowledged_by": alert.acknowledged_by,
        "muted": alert.muted,
    }


def shown_silence(row: Silence) -> dict[str, Any]:
    """Return a silence as plain values."""
    return {
        "id": row.pk,
        "matchers": row.matchers,
        "owner": row.owner,
        "reason": row.reason,
        "begins": row.begins.isoformat(),
        "ends": row.ends.isoformat(),
    }
