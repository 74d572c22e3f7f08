"""What a capture's page says of its comparison in the background, both strategies side by side.

Pure.  A stored comparison that cannot be read shows no ranges, and its outcome all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.languages.told import told
from trimming import quantities
from trimming.capture_report import Text, Verdict
from trimming.choices import Look
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState

if TYPE_CHECKING:
    from trimming.models import Shadow

STATE_LOOKS: Final[dict[ShadowState, Look]] = {
    ShadowState.WAITING: Look("unknown", "wait"),
    ShadowState.RUNNING: Look("run", "run"),
    ShadowState.DONE: Look("unknown", "unknown"),
    ShadowState.DROPPED: Look("unknown", "stop"),
    ShadowState.BROKEN: Look("warn", "warn"),
}
OUTCOME_LOOKS: Final[dict[ShadowOutcome, Look]] = {
    ShadowOutcome.MATCHED: Look("ok", "ok"),
    ShadowOutcome.MISMATCHED: Look("fail", "fail"),
    ShadowOutcome.IGNORED: Look("unknown", "stop"),
}
LEAK_LOOKS: Final[dict[LeakState, Look]] = {
    LeakState.NONE: Look("ok", "ok"),
    LeakState.SUSPECTED: Look("warn", "warn"),
    LeakState.CONFIRMED: Look("fail", "error"),
}
# classes as a comparison names them; None stands for "no class"
CLASS_NAMES: Final[dict[str | None, Text]] = {
    None: _("no class"),
    "header": _("header"),
    "framing": _("framing"),
    "body": _("body"),
    "uncertain": _("uncertain"),
    "other": _("not HTTP"),
    "redacted": _("redacted"),
    "sample": _("sample"),
    "tls_record": _("TLS record"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One fact about each strategy."""

    title: Text
    control: str
    treatment: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """What both take the same bytes for, how many ranges of them there are, and how many bytes."""

    control: Text
    treatment: Text
    ranges: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ShadowPanel:
    """A comparison as the page shows it; ``leak`` is None unless something may leak."""

    verdict: Verdict
    leak: Verdict | None
    sentence: str
    rows: tuple[Row, ...]
    pairs: tuple[PairRow, ...]


def shadow_panel(shadow: Shadow) -> ShadowPanel:
    """Return what the page says of a comparison, also of one that has not ended."""
    leak = LeakState(shadow.leak)
    return ShadowPanel(
        verdict=verdict_of(shadow),
        leak=None if leak is LeakState.NONE else Verdict(*LEAK_LOOKS[leak], _leak_label(leak)),
        sentence=told(shadow.reason) or _sentence(shadow),
        rows=_rows(shadow),
        pairs=_pairs(shadow.report),
    )


def verdict_of(shadow: Shadow) -> Verdict:
    """Return the chip of a comparison: its outcome, or its state while there is none."""
    state = ShadowState(shadow.state)
    if state is ShadowState.DONE and shadow.outcome:
        outcome = ShadowOutcome(shadow.outcome)
        return Verdict(*OUTCOME_LOOKS[outcome], outcome.label.capitalize())
    return Verdict(*STATE_LOOKS[state], state.label.capitalize())


def _leak_label(leak: LeakState) -> str:
    if leak is LeakState.CONFIRMED:
        return gettext("Leak confirmed")
    return gettext("Leak suspected")


def _sentence(shadow: Shadow) -> str:
    state = ShadowState(shadow.state)
    if state is ShadowState.WAITING:
        return gettext("It begins when no job needs the worker.")
    if state is ShadowState.RUNNING:
        return gettext("Both strategies run on a private copy.")
    if shadow.outcome == ShadowOutcome.MATCHED:
        return gettext("Both strategies take every byte for the same.")
    if shadow.control_failure or shadow.treatment_failure:
        return gettext("One strategy made a plan, the other did not.")
    leaked, over = quantities.size(shadow.leaked_bytes), quantities.size(shadow.over_masked_bytes)
    return gettext("Only legacy masks %(leaked)s, only scanning masks %(over)s.") % {
        "leaked": leaked,
        "over": over,
    }


def _rows(shadow: Shadow) -> tuple[Row, ...]:
    rows = (
        Row(_("Version"), shadow.control_version, shadow.treatment_version),
        Row(_("Time to plan"), _time(shadow.control_ms), _time(shadow.treatment_ms)),
        Row(_("Failed"), told(shadow.control_failure), told(shadow.treatment_failure)),
        Row(_("Masked by it alone"), *_alone(shadow)),
    )
    return tuple(row for row in rows if row.control or row.treatment)


def _alone(shadow: Shadow) -> tuple[str, str]:
    if not (shadow.leaked_bytes or shadow.over_masked_bytes):
        return "", ""
    return quantities.size(shadow.leaked_bytes), quantities.size(shadow.over_masked_bytes)


def _time(ms: float | None) -> str:
    return "" if ms is None else quantities.duration(ms / 1000)


def _pairs(report: Any) -> tuple[PairRow, ...]:
    found = report.get("mismatched") if isinstance(report, Mapping) else None
    if not isinstance(found, list):
        return ()
    return tuple(_pair(each) for each in found if _is_pair(each))


def _pair(each: Mapping[str, Any]) -> PairRow:
    control, treatment = each["classes"]
    return PairRow(CLASS_NAMES[control], CLASS_NAMES[treatment], each["ranges"], each["bytes"])


def _is_pair(each: object) -> bool:
    if not isinstance(each, Mapping):
        return False
    classes = each.get("classes")
    named = isinstance(classes, list | tuple) and len(classes) == 2
    return (
        named
        and all(name is None or name in CLASS_NAMES for name in classes or ())
        and all(isinstance(each.get(key), int) for key in ("ranges", "bytes"))
    )
