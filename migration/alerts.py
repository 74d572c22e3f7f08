"""What rollouts put into the inbox of alerts: rollbacks, harm, waiting requests, failing rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from migration.choices import (
    ACTIVE,
    ApprovalState,
    GateVerdict,
    Move,
    RolloutState,
    RuleKind,
)
from migration.models import Approval, Decision, Evaluation, Rollout
from monitoring.alerts.inbox import Rule, Unknown, inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.values import Condition, labels_of

HARM: Final = Rule(
    "rollout_harm",
    gettext_lazy("A rollout does harm"),
    (gettext_lazy("Look at the gate on the page Rollout; abort when in doubt."),),
)
HELD: Final = Rule(
    "rollout_held",
    gettext_lazy("A rollout is held by an error"),
    (gettext_lazy("Look at the gates on the page Rollout, and at the log of the monitor."),),
    hold_seconds=60,
)
APPROVAL: Final = Rule(
    "rollout_approval",
    gettext_lazy("A rollout waits for an approval"),
    (gettext_lazy("Approve or reject it in the administration, with the evidence beside it."),),
)
ROLLED_BACK: Final = Rule(
    "rollout_rolled_back",
    gettext_lazy("A rollout was rolled back"),
    (
        gettext_lazy("Everything goes to legacy; nothing has to be done at once."),
        gettext_lazy("Run the suspects again, and find the cause before a restart."),
    ),
    # what led to it, and what it leads to
    mutes=(
        HARM.name,
        HELD.name,
        "breaker_open",
        "health_business",
        "health_error_rate",
        "health_performance",
        "health_strategy_selection",
    ),
    at_once=True,
)
# a rollback is told of for so long, unless a new attempt begins
ROLLBACK_AGE: Final = timedelta(hours=24)
# looks are kept once a minute; an older one says nothing of now
LOOK_AGE: Final = timedelta(minutes=3)


def rollouts(now: datetime) -> Iterator[Condition | Unknown]:
    """Give what is wrong with the newest rollout."""
    rollout = Rollout.objects.order_by("-created_at", "-id").first()
    if rollout is None:
        return
    labels = labels_of(rollout=str(rollout.pk))
    if rollout.state == RolloutState.ROLLED_BACK:
        moved = Decision.objects.filter(rollout=rollout, move=Move.ROLL_BACK).first()
        if moved is not None and now - moved.at < ROLLBACK_AGE:
            title = _("%(name)s was rolled back") % {"name": rollout.name}
            yield ROLLED_BACK.holds(Severity.CRITICAL, moved.reason, title=title, labels=labels)
    for approval in Approval.objects.filter(
        step__phase__attempt__rollout=rollout, state=ApprovalState.WAITING, expires_at__gt=now
    ).select_related("step__phase"):
        said = _("The request for the way on from %(phase)s ends at %(at)s UTC.")
        phase = approval.step.phase.get_name_display()
        names = {"phase": phase, "at": f"{approval.expires_at:%Y-%m-%d %H:%M}"}
        yield APPROVAL.holds(Severity.MEDIUM, said % names, labels=labels)
    if rollout.state in ACTIVE:
        yield from _looked_at(rollout, now)


def _looked_at(rollout: Rollout, now: datetime) -> Iterator[Condition | Unknown]:
    look = Evaluation.objects.filter(attempt__rollout=rollout).first()
    if look is None or now - look.at > LOOK_AGE:
        yield Unknown(HARM.name, HELD.name)
        return
    for result in look.results:
        labels = labels_of(rollout=str(rollout.pk), gate=result["rule"])
        if _is_harm(result):
            yield HARM.holds(Severity.HIGH, result["message"], labels=labels)
        elif result["verdict"] == GateVerdict.ERROR and not result["is_dry"]:
            yield HELD.holds(Severity.MEDIUM, result["message"], labels=labels)


def _is_harm(result: Mapping[str, Any]) -> bool:
    """Tell whether a rule sees harm, also one that runs dry and so rolls nothing back."""
    return bool(result["kind"] == RuleKind.HARM and result["verdict"] == GateVerdict.FAILED)


inbox.register("rollouts", rollouts, HARM, HELD, APPROVAL, ROLLED_BACK)
