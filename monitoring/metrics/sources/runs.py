"""What the strategies did: counted from the runs and comparisons that ended in the window.

An arm has the work that its strategy did, whoever sent it there; a fallback is counted against the
strategy that failed.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from monitoring.conf import targets
from monitoring.metrics.facts import RunFact
from monitoring.metrics.histograms import Histogram, of_values
from monitoring.metrics.registry import Kind, Metric, Values, Window, registry
from trimming.choices import OutcomeKind
from trimming.routing_choices import Arm, LeakState, ShadowOutcome

COUNTED = (
    Metric("runs_succeeded", "runs", Kind.COUNTER, _("runs with a result"), by_arm=True),
    Metric("runs_failed", "runs", Kind.COUNTER, _("runs that the strategy failed"), by_arm=True),
    Metric("messages", "messages", Kind.COUNTER, _("HTTP messages found"), by_arm=True),
    Metric("input_bytes", "bytes", Kind.COUNTER, _("bytes of captures trimmed"), by_arm=True),
    Metric("masked_bytes", "bytes", Kind.COUNTER, _("bytes masked"), by_arm=True),
)
TIMES = (
    Metric("message_ms", "ms", Kind.HISTOGRAM, _("time for one HTTP message"), by_arm=True),
    Metric("run_ms", "ms", Kind.HISTOGRAM, _("time for one capture"), by_arm=True),
)
WHOLE = (
    Metric("fallbacks", "runs", Kind.COUNTER, _("captures that legacy served after a failure")),
    Metric("runs_refused", "runs", Kind.COUNTER, _("captures that cannot be used")),
    Metric("runs_broken", "runs", Kind.COUNTER, _("runs that a fault around them ended")),
    Metric("verification_failures", "runs", Kind.COUNTER, _("outputs that failed verification")),
    Metric("odd_captures", "runs", Kind.COUNTER, _("outputs that are refused whoever made them")),
    Metric("waited_seconds", "s", Kind.HISTOGRAM, _("from the upload to the result")),
    Metric("finished_late", "captures", Kind.COUNTER, _("captures past their promised time")),
    Metric("shadows_matched", "captures", Kind.COUNTER, _("comparisons without a difference")),
    Metric("shadows_mismatched", "captures", Kind.COUNTER, _("comparisons with a difference")),
    Metric("leaks", "captures", Kind.COUNTER, _("confirmed leaks")),
    Metric("compared_bytes", "bytes", Kind.COUNTER, _("bytes compared")),
    Metric("disagreeing_bytes", "bytes", Kind.COUNTER, _("bytes taken for different things")),
)


def runs(window: Window) -> Values:
    """Count what ended in the window."""
    values: dict[str, float | Histogram] = {}
    for arm in (Arm.CONTROL, Arm.TREATMENT):
        mine = [run for run in window.runs if run.arm is arm]
        values |= {f"{name}:{arm.value}": each for name, each in _of_arm(mine).items()}
    return values | _whole(window) | _compared(window)


def _of_arm(mine: list[RunFact]) -> dict[str, float | Histogram]:
    return {
        "runs_succeeded": _count(mine, OutcomeKind.SUCCEEDED),
        "runs_failed": _count(mine, OutcomeKind.STRATEGY_FAILURE),
        "messages": sum(run.messages for run in mine),
        "input_bytes": sum(run.input_bytes for run in mine),
        "masked_bytes": sum(run.masked_bytes for run in mine),
        "message_ms": of_values(
            run.ms_per_message for run in mine if run.ms_per_message is not None
        ),
        "run_ms": of_values(run.duration_ms for run in mine if run.duration_ms is not None),
    }


def _whole(window: Window) -> dict[str, float | Histogram]:
    waited = [run.waited_seconds for run in window.runs if run.waited_seconds is not None]
    promised = targets().promised_seconds
    return {
        "fallbacks": sum(
            run.is_fallback and run.kind is OutcomeKind.SUCCEEDED for run in window.runs
        ),
        "runs_refused": _count(window.runs, OutcomeKind.REFUSED_INPUT),
        "runs_broken": _count(window.runs, OutcomeKind.INFRASTRUCTURE),
        "verification_failures": sum(run.is_verification_failure for run in window.runs),
        "odd_captures": _count(window.runs, OutcomeKind.ODD_CAPTURE),
        # a clock that was set back must not cost the sample
        "waited_seconds": of_values(max(0.0, each) for each in waited),
        "finished_late": sum(each > promised for each in waited),
    }


def _compared(window: Window) -> dict[str, float | Histogram]:
    found = window.shadows
    return {
        "shadows_matched": sum(each.outcome is ShadowOutcome.MATCHED for each in found),
        "shadows_mismatched": sum(each.outcome is ShadowOutcome.MISMATCHED for each in found),
        "leaks": sum(each.leak is LeakState.CONFIRMED for each in found),
        "compared_bytes": sum(each.compared_bytes for each in found),
        "disagreeing_bytes": sum(each.disagreeing_bytes for each in found),
    }


def _count(found: object, kind: OutcomeKind) -> int:
    assert isinstance(found, (list, tuple))
    return sum(run.kind is kind for run in found)


registry.register(runs, *COUNTED, *TIMES, *WHOLE)
