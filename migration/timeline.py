"""What happened to a rollout: decisions, approvals and drills as one list, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _

from config.languages.told import told
from migration.choices import ApprovalState, Move
from migration.models import Approval, Decision, RollbackDrill, Rollout
from trimming.choices import Look

PAGE_SIZE: Final = 20
LOOKS: Final = {
    Move.START: Look("run", "run"),
    Move.FREEZE: Look("ok", "ok"),
    Move.REQUEST: Look("run", "wait"),
    Move.WITHDRAW: Look("unknown", "wait"),
    Move.STEP: Look("ok", "up"),
    Move.PROMOTE: Look("ok", "up"),
    Move.COMPLETE: Look("ok", "ok"),
    Move.PAUSE: Look("warn", "hold"),
    Move.RESUME: Look("run", "run"),
    Move.ROLL_BACK: Look("fail", "back"),
    Move.FAIL: Look("fail", "fail"),
    Move.RESTART: Look("run", "run"),
    Move.ABORT: Look("fail", "stop"),
}
DECIDED: Final = {
    ApprovalState.APPROVED.value: Look("ok", "ok"),
    ApprovalState.REJECTED.value: Look("warn", "stop"),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.  ``decision`` is its number, where it can be replayed."""

    at: datetime
    look: Look
    title: str
    by: str
    reason: str
    policy: int | None = None
    rule: str = ""
    decision: int | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of events; paging goes by decisions."""

    events: Sequence[Event]
    page: Page[Decision]


def timeline_of(rollout: Rollout, number: Any) -> Timeline:
    """Return a page of what happened, the nearest one when there is none such: four queries."""
    rows = rollout.decisions.select_related("phase").defer("situation", "results")
    page = Paginator(rows, PAGE_SIZE).get_page(number)
    found = [_of_decision(each) for each in page]
    between = (
        found[-1].at if found and page.has_next() else None,
        found[0].at if found and page.has_previous() else None,
    )
    found += [_of_approval(each) for each in _approvals(rollout, *between)]
    found += [_of_drill(each) for each in _drills(rollout, *between)]
    return Timeline(sorted(found, key=lambda event: event.at, reverse=True), page)


def _of_decision(row: Decision) -> Event:
    move = Move(row.move)
    phase = str(row.phase.get_name_display()) if row.phase else ""
    title = str(move.label).capitalize()
    return Event(
        row.at,
        LOOKS[move],
        f"{title}: {phase}" if phase else title,
        row.actor_name,
        told(row.reason),
        row.policy_version,
        row.rule,
        row.pk,
    )


def _approvals(rollout: Rollout, since: datetime | None, until: datetime | None) -> Any:
    rows = Approval.objects.filter(
        step__phase__attempt__rollout=rollout, state__in=list(DECIDED), decided_at__isnull=False
    )
    rows = rows.filter(decided_at__gte=since) if since else rows
    rows = rows.filter(decided_at__lte=until) if until else rows
    return rows.select_related("decided_by", "step__phase").defer("situation", "results")


def _of_approval(row: Approval) -> Event:
    assert row.decided_at is not None  # asked for above
    title = _("%(state)s: the end of “%(phase)s”") % {
        "state": row.get_state_display(),
        "phase": row.step.phase.get_name_display(),
    }
    by = row.decided_by.get_username() if row.decided_by else ""
    return Event(row.decided_at, DECIDED[row.state], title, by, told(row.reason))


def _drills(rollout: Rollout, since: datetime | None, until: datetime | None) -> Any:
    rows = RollbackDrill.objects.filter(attempt__rollout=rollout)
    rows = rows.filter(at__gte=since) if since else rows
    return rows.filter(at__lte=until) if until else rows


def _of_drill(row: RollbackDrill) -> Event:
    title = _("Rollback drill passed") if row.passed else _("Rollback drill failed")
    look = Look("ok", "back") if row.passed else Look("fail", "back")
    return Event(row.at, look, title, row.actor_name, told(row.sentence))
