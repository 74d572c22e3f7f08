"""The way from what is wrong to what is sent, as one function.  Pure.

Everything that is remembered is in the state, and the state is rows: a process that is killed
between two turns loses nothing, and a turn that is made again after a crash gives the same keys.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from monitoring.alerts.plan import Plan
from monitoring.alerts.stages.escalation import escalate
from monitoring.alerts.stages.grouping import group
from monitoring.alerts.stages.hold import hold
from monitoring.alerts.stages.holding_back import hold_back
from monitoring.alerts.stages.limiting import HOUR, is_undigested, limit
from monitoring.alerts.stages.muting import mute
from monitoring.alerts.stages.reminding import remind
from monitoring.alerts.stages.repeating import repeat
from monitoring.alerts.stages.routing import route
from monitoring.alerts.stages.settling import settle
from monitoring.alerts.stages.turn import Turn
from monitoring.alerts.values import Found, Outcome, State, TellingState


def advance(state: State, found: Found, plan: Plan, now: datetime) -> Outcome:
    """Return the state after one look at ``now``, with the steps and what is to be sent."""
    turn = Turn(state, plan, now)
    hold(turn, found)
    settle(turn)
    mute(turn)
    route(turn)
    repeat(turn)
    escalate(turn)
    limit(turn, group(turn, hold_back(turn)))
    remind(turn)
    silences = tuple(
        replace(each, reminded=True) if each.pk in turn.reminded else each for each in turn.silences
    )
    sent = tuple(each for each in turn.sent if now - each.at < HOUR)
    return Outcome(
        State(turn.alerts, turn.tellings, sent, silences),
        tuple(turn.steps),
        tuple(turn.notifications),
        tuple(turn.reminded),
    )


def remembered(state: State, plan: Plan, now: datetime) -> State:
    """Return what the next turn needs of a state: the same as rows would bring back."""
    tellings = {
        key: each
        for key, each in state.tellings.items()
        if each.state == TellingState.WAITING or is_undigested(each)
    }
    needed = {each.alert for each in tellings.values()}
    since = now - plan.flap_window
    alerts = {
        key: each
        for key, each in state.alerts.items()
        if each.is_open
        or key in needed
        or (each.resolved_at is not None and each.resolved_at > since)
    }
    silences = tuple(each for each in state.silences if each.ends > now)
    return State(alerts, tellings, state.sent, silences)
