"""What the newest health report says, and whether it still says anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from config.languages.told import told
from monitoring.choices import VERDICT_LOOKS, Dimension, Verdict
from monitoring.conf import health_settings
from trimming.choices import Look

# after so many checks that did not come, nothing is known
CHECKS_MISSED: Final = 3
# the unit of a fraction from 0 to 1, which people read in %
SHARE: Final = "share"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a verdict rests on."""

    name: str
    value: Any
    limit: Any
    unit: str
    n: int | None
    age_seconds: float | None


@dataclass(frozen=True, slots=True)
class DimensionView:
    """One dimension as pages show it."""

    key: str
    label: Any
    verdict: Verdict
    score: float | None
    weight: float | None
    sentence: str
    evidence: Sequence[Evidence]
    # of this dimension, for who may see alerts
    alerts: Sequence[Any] = ()

    @property
    def look(self) -> Look:
        """Its tone and shape."""
        return VERDICT_LOOKS[self.verdict]

    @property
    def width(self) -> str:
        """How far its scale is filled, for an SVG attribute."""
        return f"{100 * min(1.0, max(0.0, self.score or 0.0)):.1f}%"


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict that holds now.  ``report`` is the newest one, however old.

    It is outranked where something else decides: that nobody works.
    """

    verdict: Verdict
    word: Any
    sentence: str
    advice: str
    report: Any = None
    dimensions: Sequence[DimensionView] = ()
    is_outranked: bool = False

    @property
    def look(self) -> Look:
        """Its tone and shape."""
        return VERDICT_LOOKS[self.verdict]

    @property
    def is_known(self) -> bool:
        """Whether the newest report still says something."""
        return self.verdict is not Verdict.UNKNOWN and not self.is_outranked


def standing(report: Any, now: datetime) -> Standing:
    """Return what ``report``, the newest one or None, says at ``now``."""
    if report is None:
        return Standing(
            Verdict.UNKNOWN,
            _("Not known"),
            _("The health was never checked."),
            _("It is checked by itself while the monitor runs; “make run” starts it."),
        )
    if is_too_old(report.at, now):
        return Standing(
            Verdict.UNKNOWN,
            _("Not known"),
            _("The last health check is too old to go by."),
            _("See whether the monitor runs; its log says why it does not."),
            report,
            dimension_views(report.dimensions),
        )
    return standing_then(report)


def standing_then(report: Any) -> Standing:
    """Return what ``report`` said when it was made."""
    verdict = verdict_of(report.verdict)
    word = _("Not known") if verdict is Verdict.UNKNOWN else verdict.label
    dimensions = dimension_views(report.dimensions)
    return Standing(verdict, word, told(report.sentence), "", report, dimensions)


def is_too_old(at: datetime, now: datetime) -> bool:
    """Tell whether checks were missed since the one of ``at``, so that it says nothing any more."""
    return now - at > timedelta(minutes=CHECKS_MISSED * health_settings().check_minutes)


def verdict_of(value: Any) -> Verdict:
    """Return what a report keeps as a verdict; unknown when this program knows no such one."""
    return Verdict(value) if value in Verdict.values else Verdict.UNKNOWN


def dimension_views(found: Sequence[Mapping[str, Any]]) -> list[DimensionView]:
    """Return the dimensions of a report in the order of Dimension, unknown ones last."""
    order = list(Dimension.values)
    views = [_dimension(each) for each in found]
    return sorted(views, key=lambda view: (view.key not in order, order_of(order, view.key)))


def order_of(order: Sequence[str], key: str) -> int:
    """Return the place of ``key``."""
    return order.index(key) if key in order else len(order)


def _in_percent(evidence: Mapping[str, Any], name: str) -> Any:
    value = evidence.get(name)
    return 100 * value if evidence.get("unit") == SHARE and value is not None else value


def _dimension(found: Mapping[str, Any]) -> DimensionView:
    key = str(found.get("dimension", ""))
    return DimensionView(
        key=key,
        label=Dimension(key).label if key in Dimension.values else key,
        verdict=verdict_of(found.get("verdict", "")),
        score=found.get("score"),
        weight=found.get("weight"),
        sentence=told(found.get("sentence", "")),
        evidence=[
            Evidence(
                name=str(each.get("name", "")),
                value=_in_percent(each, "value"),
                limit=_in_percent(each, "limit"),
                unit="%" if each.get("unit") == SHARE else str(each.get("unit") or ""),
                n=each.get("n"),
                age_seconds=each.get("age_seconds"),
            )
            for each in found.get("evidence") or []
        ],
    )
