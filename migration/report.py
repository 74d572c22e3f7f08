"""The final report of a rollout, as Markdown: what was planned, what happened, what is left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from config.languages.told import listed
from migration.choices import Move, RolloutState, SuspectState
from migration.gates.evidence import baseline_from_json, tally_from_json
from migration.gates.tally import Tally
from migration.models import (
    Attempt,
    Decision,
    Evaluation,
    FinalReport,
    Phase,
    Rollout,
    Suspect,
)
from migration.situation import step_seconds
from monitoring.conf import targets
from trimming.conf import routing_settings

INCIDENTS = (Move.ROLL_BACK, Move.FAIL, Move.ABORT, Move.PAUSE)


def store_final_reports(now: datetime) -> int:
    """Write the report of each completed rollout that has none; return how many."""
    waiting = list(Rollout.objects.filter(state=RolloutState.COMPLETED, final_report=None))
    for rollout in waiting:
        FinalReport.objects.get_or_create(
            rollout=rollout, defaults={"at": now, "text": as_markdown(rollout, now)}
        )
    return len(waiting)


def as_markdown(rollout: Rollout, now: datetime) -> str:
    """Return the report at ``now``."""
    attempts = list(rollout.attempts.order_by("number"))
    parts = [
        [f"# {rollout.name}", "", *_summary(rollout, attempts, now)],
        [f"## {_('Phases')}", "", *_phases(attempts, now)],
        [f"## {_('Gates')}", "", *_gates(attempts)],
        [f"## {_('Decisions')}", "", *_decisions(rollout)],
        [f"## {_('Incidents')}", "", *_incidents(rollout)],
        [f"## {_('Figures against their targets')}", "", *_figures(attempts)],
        [f"## {_('What is left to do')}", "", *_follow_ups(rollout, attempts)],
    ]
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return a Markdown table; what would break a cell is made harmless."""
    lines = [_cells(head), _cells("---" for _each in head)]
    lines += [_cells(row) for row in rows]
    return lines if len(lines) > 2 else [_("None.")]


def _cells(values: Iterable[Any]) -> str:
    texts = (" ".join(str(value).split()).replace("|", "\\|") for value in values)
    return f"| {' | '.join(texts)} |"


def _summary(rollout: Rollout, attempts: Sequence[Attempt], now: datetime) -> list[str]:
    begun = f"{rollout.started_at:%Y-%m-%d %H:%M}" if rollout.started_at else "-"
    ended = f"{rollout.finished_at:%Y-%m-%d %H:%M}" if rollout.finished_at else "-"
    rows = [
        (_("State"), rollout.get_state_display()),
        (_("Began"), begun),
        (_("Ended"), ended),
        (_("Attempts"), len(attempts)),
        (_("Report of"), f"{now:%Y-%m-%d %H:%M %Z}"),
    ]
    if attempts:
        last = attempts[-1]
        rows += [
            (_("Version of legacy"), last.control_version or "-"),
            (_("Version of scanning"), last.treatment_version or "-"),
        ]
    return table((_("What"), _("Value")), rows)


def _phases(attempts: Sequence[Attempt], now: datetime) -> list[str]:
    rows = []
    for attempt in attempts:
        for phase in attempt.phases.order_by("number"):
            rows.append((attempt.number, *_phase(phase, now)))
    return table((_("Attempt"), _("Phase"), _("State"), _("Planned"), _("Took"), _("Shares")), rows)


def _phase(phase: Phase, now: datetime) -> tuple[Any, ...]:
    steps = list(phase.steps.order_by("number"))
    took = sum(step_seconds(step, now) for step in steps)
    return (
        phase.get_name_display(),
        phase.get_state_display(),
        hours(phase.planned_seconds),
        hours(took) if steps else "-",
        listed(f"{100 * step.share:g} %" for step in steps) or "-",
    )


def hours(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    if seconds < 3600:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86_400:.1f} d"


def _gates(attempts: Sequence[Attempt]) -> list[str]:
    """Return what each rule said last, in the newest attempt."""
    newest = Evaluation.objects.filter(attempt__in=attempts[-1:]).first()
    rows = [
        (each["rule"], each["verdict"], each["message"])
        for each in (newest.results if newest else [])
    ]
    return table((_("Rule"), _("Verdict"), _("Comparison")), rows)


def _decisions(rollout: Rollout) -> list[str]:
    rows = rollout.decisions.order_by("at", "pk")
    return table(
        (_("No."), _("Time"), _("Move"), _("By"), _("Rule"), _("Reason")),
        (
            (
                *(row.pk, f"{row.at:%Y-%m-%d %H:%M:%S}", row.get_move_display()),
                *(row.actor_name, row.rule or "-", row.reason),
            )
            for row in rows
        ),
    )


def _incidents(rollout: Rollout) -> list[str]:
    rows: Iterable[Decision] = rollout.decisions.filter(move__in=INCIDENTS).order_by("at", "pk")
    found = []
    for row in rows:
        suspects = Suspect.objects.filter(attempt=row.attempt)
        found.append(
            (
                f"{row.at:%Y-%m-%d %H:%M:%S}",
                row.get_move_display(),
                row.reason,
                suspects.count(),
                suspects.filter(state=SuspectState.DIFFERENT).count(),
            )
        )
    return table((_("Time"), _("What"), _("Why"), _("Suspects"), _("Different")), found)


def _figures(attempts: Sequence[Attempt]) -> list[str]:
    if not attempts:
        return [_("None.")]
    last = attempts[-1]
    tally, baseline = tally_from_json(last.tally), baseline_from_json(last.baseline)
    control, treatment = _sums(tally)
    median = tally.ratios.quantile(0.5)
    rows: list[tuple[Any, ...]] = [
        (_("Failures of legacy"), _rate(*control), "-"),
        (_("Failures of scanning"), _rate(*treatment), "< 5 %"),
        (_("Captures compared"), tally.pairs, "-"),
        (_("Captures that differ"), tally.mismatched, "-"),
        (_("Leaks"), tally.leaks, "0"),
        (
            _("Time of scanning to legacy, median"),
            "-" if median is None else f"{median:.3f}",
            "<= 1.1",
        ),
        (_("Latency per message, target p95"), f"{targets().message_p95_ms:g} ms", "-"),
    ]
    if baseline is not None:
        rows.append(
            (_("Failures in the baseline"), _rate(baseline.runs, baseline.failed), "<= 5 %")
        )
    for drill in last.drills.all()[:5]:
        rows.append((_("Rollback drill"), f"{drill.took_ms:.1f} ms", "<= 2,000 ms"))
    return table((_("Figure"), _("Value"), _("Target")), rows)


def _sums(tally: Tally) -> tuple[tuple[int, int], tuple[int, int]]:
    steps = tally.steps.values()
    return (
        (sum(each.control.finished for each in steps), sum(each.control.failed for each in steps)),
        (
            sum(each.treatment.finished for each in steps),
            sum(each.treatment.failed for each in steps),
        ),
    )


def _rate(finished: int, failed: int) -> str:
    if not finished:
        return _("no runs")
    return f"{failed} / {finished} ({100 * failed / finished:.2f} %)"


def _follow_ups(rollout: Rollout, attempts: Sequence[Attempt]) -> list[str]:
    todo: list[str] = []
    suspects = Suspect.objects.filter(attempt__rollout=rollout)
    for state, text in (
        (SuspectState.LISTED, _("%(n)d suspect outputs were not run again on legacy.")),
        (SuspectState.DIFFERENT, _("%(n)d suspect outputs differ from those of legacy.")),
        (SuspectState.NO_ORIGINAL, _("Of %(n)d suspect outputs the original is gone.")),
    ):
        count = suspects.filter(state=state).count()
        if count:
            todo.append(text % {"n": count})
    if rollout.state == RolloutState.ROLLED_BACK:
        todo.append(_("Find the cause, then restart the rollout or leave it."))
    if rollout.state == RolloutState.COMPLETED:
        todo.append(_("Legacy is retired by a switch; an emergency rollback brings it back."))
    if attempts and attempts[-1].new_build:
        todo.append(
            _("%(build)s is new and has no evidence: repeat phase 1.")
            % {"build": attempts[-1].new_build}
        )
    if rollout.state == RolloutState.COMPLETED and not routing_settings().permit_scanning:
        todo.append(_("The settings do not permit scanning; set routing.permit_scanning."))
    return [f"- {each}" for each in todo] or [_("Nothing.")]
