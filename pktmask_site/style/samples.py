"""What the page of components shows: values made up, in the types that the pages have.

Whatever the templates ask of a real value they ask of these, so that the page shows what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

from django.core.paginator import Paginator
from django.utils.translation import gettext as _

from migration.acts import ABORT, OPERATE, acts_for
from migration.approval_page import APPROVAL_LOOKS
from migration.choices import (
    GATE_LOOKS,
    PHASE_LOOKS,
    ROLLOUT_LOOKS,
    PhaseName,
    PhaseState,
    RolloutState,
)
from migration.gate_rows import gate_rows
from migration.path import PhaseFacts, path_of
from migration.traffic import Traffic
from monitoring.choices import VERDICT_LOOKS, Dimension, Verdict
from monitoring.marks import Mark
from monitoring.standing import standing, standing_then
from trimming.byte_bar import byte_bar
from trimming.choices import JOB_LOOKS, RUN_LOOKS
from trimming.engine.options import TrimOptions
from trimming.policy_forms import CONFIRMATION, PolicyForm, RollbackForm

# what a table of words and looks is for
LOOKS: Final[tuple[tuple[str, Mapping[Any, Any]], ...]] = (
    ("verdicts of health", VERDICT_LOOKS),
    ("gates", GATE_LOOKS),
    ("rollouts", ROLLOUT_LOOKS),
    ("phases", PHASE_LOOKS),
    ("approvals", APPROVAL_LOOKS),
    ("jobs", JOB_LOOKS),
    ("runs", RUN_LOOKS),
)
# kind, rule, verdict, message, value, limit, and how many captures are needed
GATES: Final = (
    ("harm", "leak", "failed", "1 leak is confirmed, 0 must be.", 1.0, 0.0, None),
    ("gate", "health", "failed", "The score is 0.79, at least 0.80 must be.", 0.79, 0.8, None),
    ("gate", "enough", "inconclusive", "17 captures ended, at least 50 must.", 17.0, 50.0, 33),
    ("gate", "dwell", "passed", "10 min passed, at least 1 min must.", 600.0, 60.0, None),
)
# classes of bytes before and after, as css/evidence.css names them
HEX: Final = (
    ("packet", "header", "framing", "body", "uncertain"),
    ("packet", "carried", "header", "framing", "overwritten"),
)
SEVERITIES: Final = ("critical", "high", "medium", "low")


def samples(now: datetime) -> dict[str, Any]:
    """Return a sample of everything."""
    policy_form = PolicyForm(
        {"mode": "ab_test", "treatment_percent": "250", "shadow_percent": "10"}
    )
    return {
        "looks": [
            (name, [_word(each, look) for each, look in table.items()]) for name, table in LOOKS
        ],
        "standings": [standing_then(_report(verdict, now)) for verdict in _VERDICTS]
        + [standing(None, now)],
        "service": {"running": 2, "waiting": 14},
        "shown": _gates(now),
        "path": path_of(_phases(now), now, 2 * 3600),
        "figures": {"sample": _figure(now), "nothing": {**_figure(now), "lines": _lines(None)}},
        "changes": _changes(now),
        "severities": SEVERITIES,
        "page": Paginator(range(57), 20).page(2),
        "form": policy_form,
        "act": acts_for(RolloutState.RUNNING, [OPERATE, ABORT])[-1],
        "rollback_form": RollbackForm(),
        "word": CONFIRMATION,
        "bar": byte_bar(_trim_report(), TrimOptions()),
        "report": {
            "not_understood": "Not HTTP and left as it was: DNS: 2.0 kB.",
            "numbers": {"input_bytes": 652_000, "output_bytes": 652_000, "packets": 956},
        },
        "hex": [[_hex(*each) for each in enumerate(looks)] for looks in HEX],
        "at": now,
    }


_VERDICTS: Final = (Verdict.OK, Verdict.WARN, Verdict.FAIL)
_SCORES: Final = {Verdict.OK: 0.97, Verdict.WARN: 0.74, Verdict.FAIL: 0.41}


def _hex(number: int, look: str) -> dict[str, Any]:
    text = "." * 8 if look == "overwritten" else look[:8].ljust(8, ".")
    digits = "00" if look == "overwritten" else ""
    pairs = " ".join(digits or f"{ord(each):02x}" for each in text)
    return {
        "offset": f"{16 * number:04x}",
        "runs": [{"look": look, "digits": pairs, "text": text}],
        "padding": "",
    }


def _word(each: Any, look: Any) -> dict[str, Any]:
    return {"tone": look.tone, "shape": look.shape, "label": getattr(each, "label", str(each))}


def _gate(
    kind: str, rule: str, verdict: str, message: str, value: float, limit: float, needed: int | None
) -> dict[str, Any]:
    found = {"kind": kind, "rule": rule, "verdict": verdict, "message": message}
    return {**found, "value": value, "limit": limit, "needed": needed}


def _gates(now: datetime) -> dict[str, Any]:
    rows = gate_rows([_gate(*each) for each in GATES], Traffic(0.1, 0.02, 0.01))
    held = [row for row in rows if not row.is_passed]
    passed = [row for row in rows if row.is_passed]
    return {"rows": rows, "held": held, "passed": passed, "is_active": True, "looked_at": now}


def _report(verdict: Verdict, now: datetime) -> Any:
    score = _SCORES[verdict]
    sentence = f"Health is {score:.2f}, must not be below 0.80."
    one = {"verdict": verdict.value, "score": score, "weight": 0.2, "sentence": sentence}
    dimensions = [{"dimension": each.value, **one} for each in Dimension]
    return SimpleNamespace(
        verdict=verdict, score=score, mean=score, sentence=sentence, at=now, dimensions=dimensions
    )


def _phases(now: datetime) -> list[PhaseFacts]:
    began = now - timedelta(days=6)
    passed = [
        PhaseFacts(
            name, PhaseState.PASSED, 86_400, began, began + timedelta(days=1), [0.1], 0, 86_400
        )
        for name in (PhaseName.BASELINE, PhaseName.AB_TEST)
    ]
    here = PhaseFacts(
        *(PhaseName.GRADUAL, PhaseState.RUNNING, 259_200, now - timedelta(days=2), None),
        *([0.25, 0.5, 0.75], 1, 172_800, 40_000),
    )
    ahead = [
        PhaseFacts(name, PhaseState.PENDING, 86_400, None, None, [1.0])
        for name in (PhaseName.FULL, PhaseName.CLEANUP)
    ]
    return [*passed, here, *ahead]


def _lines(value: float | None) -> list[dict[str, Any]]:
    rising = [None if value is None else value + n % 7 for n in range(60)]
    return [
        {"name": "legacy", "role": "control", "values": rising},
        {"name": "scanning", "role": "treatment", "values": rising[::-1]},
    ]


def _figure(now: datetime) -> dict[str, Any]:
    start = now - timedelta(hours=1)
    return {
        "start": start.isoformat(),
        "step": 60,
        "size": 60,
        "unit": "MB/s",
        "lines": _lines(4.0),
        "levels": [{"value": 11.0, "label": "limit 11 MB/s", "role": "limit"}],
        "marks": [{"at": (now - timedelta(minutes=20)).isoformat(), "label": "50 % scanning"}],
        "is_log": False,
    }


def _changes(now: datetime) -> list[Mark]:
    return [
        Mark(now, "50 %", _("Share raised"), "system: all gates are met", "ok", "up", "#story"),
        Mark(now, "back", _("Rolled back"), "system: 1 leak is confirmed", "fail", "back"),
        Mark(now, "set", _("Configuration"), "anna: a calm week", "", "run"),
    ]


def _trim_report() -> dict[str, Any]:
    counts = {
        "header": 64_300,
        "framing": 900,
        "body": 523_000,
        "uncertain": 1_200,
        "other": 12_000,
    }
    return {
        "bytes_by_class": counts,
        "bytes": 651_000,
        "input_bytes": 652_000,
        "left_bytes": {"DNS": 2_000},
    }
