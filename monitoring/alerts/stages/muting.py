"""Who keeps an alert quiet: a stronger alert (inhibition), or an operator (silence).  Pure.

What is muted is not told and not escalated; when that ends and it still fires, it is told.
"""

from __future__ import annotations

from typing import Final

from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.tables import matches
from monitoring.alerts.values import AlertFacts, SilenceFacts

INHIBITION: Final = "inhibition"
SILENCE: Final = "silence"
BY_RULE: Final = "rule "
BY_SILENCE: Final = "silence "


def mute(turn: Turn) -> None:
    """Note for each firing alert who mutes it, and say so when that changes."""
    firing = turn.firing()
    muting = {alert.rule for alert in firing if not alert.is_dry} & turn.plan.mutes.keys()
    silences = [each for each in turn.silences if each.is_in_force(turn.now)]
    for alert in firing:
        muted = _muted_by(turn, alert, muting, silences)
        if muted == alert.muted:
            continue
        turn.change(alert, muted=muted)
        if muted:
            stage = SILENCE if muted.startswith(BY_SILENCE) else INHIBITION
            turn.say(alert.key, stage, "muted", by=muted)
        else:
            stage = SILENCE if alert.muted.startswith(BY_SILENCE) else INHIBITION
            turn.say(alert.key, stage, "unmuted", by=alert.muted)


def _muted_by(turn: Turn, alert: AlertFacts, muting: set[str], silences: list[SilenceFacts]) -> str:
    for rule in sorted(muting):
        if alert.rule in turn.plan.mutes[rule]:
            return f"{BY_RULE}{rule}"
    for silence in silences:
        if matches(silence.matchers, alert):
            return f"{BY_SILENCE}{silence.pk}"
    return ""
