"""What rollouts add to reports: how far they got, what was decided, and rehearsed rollbacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from migration.choices import PhaseName, RolloutState
from migration.models import Decision, RollbackDrill, Rollout, Step
from monitoring.reports.parts import Kind, Part, Table, Value, moment, shortened, text
from monitoring.reports.sections import Span, sections

ROLLOUT: Final = "migration.view_rollout"
DRILLS: Final = "migration.view_rollbackdrill"


@sections.register("rollout", gettext_lazy("Rollouts"), 52)
def rollouts(span: Span) -> Iterator[Part]:
    """Give the rollouts that were active in the time, as they stood at its end."""
    title = _("Rollouts")
    rows = Rollout.objects.filter(
        Q(finished_at=None) | Q(finished_at__gte=span.begin), started_at__lt=span.until
    ).order_by("started_at")
    found = [_standing(rollout, span) for rollout in rows]
    said = (
        ngettext("%(n)s rollout was under way.", "%(n)s rollouts were under way.", len(found))
        if found
        else _("No rollout was under way.")
    ) % {"n": f"{len(found):,}"}
    columns = (_("Rollout"), _("Began"), _("State"), _("Phase"), _("Share to scanning"))
    tables = [Table(_("At the end of this time"), columns, found)] if found else []
    yield Part("rollout", title, said, tables=[*tables, *_decisions(span)], permission=ROLLOUT)


def _standing(rollout: Rollout, span: Span) -> tuple[Value, ...]:
    decided = Decision.objects.filter(rollout=rollout, at__lt=span.until)
    last = decided.select_related("phase").defer("situation", "results").first()
    step = Step.objects.filter(phase__attempt__rollout=rollout, began_at__lt=span.until)
    step = step.filter(Q(ended_at=None) | Q(ended_at__gte=span.until)).select_related("phase")
    now = step.order_by("-began_at").first()
    phase = now.phase if now is not None else last.phase if last is not None else None
    return (
        text(rollout.name),
        moment(rollout.started_at),
        _words(None if last is None else RolloutState(last.state_after).label),
        _words(None if phase is None else PhaseName(phase.name).label),
        Value(Kind.PERCENT, None if now is None else 100 * now.share),
    )


def _words(label: Any) -> Value:
    return Value(Kind.TEXT, None if label is None else str(label))


def _decisions(span: Span) -> list[Table]:
    rows = Decision.objects.filter(at__gte=span.begin, at__lt=span.until)
    found = [
        (
            moment(row.at),
            text(row.rollout.name),
            text(row.get_move_display()),
            text(row.phase.get_name_display() if row.phase else ""),
            text(row.actor_name),
            text(row.reason),
        )
        for row in rows.select_related("phase", "rollout").defer("situation", "results")
    ]
    columns = (_("Time"), _("Rollout"), _("What"), _("Phase"), _("By"), _("Reason"))
    return [shortened(_("Decisions, newest first"), columns, found)] if found else []


@sections.register("rollback_drills", gettext_lazy("Rollback drills"), 70)
def drills(span: Span) -> Iterator[Part]:
    """Give the rollbacks that were rehearsed."""
    rows = RollbackDrill.objects.filter(at__gte=span.begin, at__lt=span.until)
    found = list(rows)
    passed = sum(row.passed for row in found)
    said = (
        ngettext(
            "%(n)s rollback was rehearsed; %(passed)s passed.",
            "%(n)s rollbacks were rehearsed; %(passed)s passed.",
            len(found),
        )
        if found
        else _("No rollback was rehearsed.")
    ) % {"n": f"{len(found):,}", "passed": f"{passed:,}"}
    table = shortened(
        _("Drills, newest first"),
        (_("Time"), _("Outcome"), _("Took"), _("By"), _("What was seen")),
        [
            (
                moment(row.at),
                text(_("passed") if row.passed else _("failed")),
                Value(Kind.MILLISECONDS, row.took_ms),
                text(row.actor_name),
                text(row.sentence),
            )
            for row in found
        ],
    )
    tables = [table] if found else []
    yield Part("rollback_drills", _("Rollback drills"), said, tables=tables, permission=DRILLS)
