"""What the overview shows: the last hour, the newest verdict, recent jobs and changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.translation import gettext as _

from monitoring.alerts.firing import firing_now
from monitoring.choices import VERDICT_LOOKS, Verdict
from monitoring.conf import health_settings, targets
from monitoring.figures import (
    ARM_NAMES,
    Figure,
    Scale,
    arm_keys,
    arm_lines,
    by_arm,
    byte_scale,
    figure,
    level,
    mark_lines,
    window_text,
)
from monitoring.heartbeats import pulse_now
from monitoring.marks import Mark, marks
from monitoring.metrics.series import PERIODS, Line, Series, Values, ratio, series
from monitoring.models import HealthReport
from monitoring.panels import panels
from monitoring.standing import Standing, standing
from monitoring.strip import outranked
from trimming.choices import Look
from trimming.listing import Row, row_of, with_runs
from trimming.models import Capture

SPAN: Final = PERIODS["1h"]
CHANGES_SPAN: Final = timedelta(days=30)
RECENT_JOBS: Final = 6
RECENT_CHANGES: Final = 8
KEYS: Final = (
    *(key for name in ("input_bytes", "message_ms", "runs_failed") for key in arm_keys(name)),
    *arm_keys("runs_succeeded"),
    "jobs_waiting",
    "oldest_waiting_seconds",
    "cpu_percent",
)
MILLISECONDS: Final = Scale(1, "ms")
# a trace has so many points and is drawn in a box of this size
SPARK_POINTS: Final = 60
SPARK_BOX: Final = (1000.0, 100.0)


@dataclass(frozen=True, slots=True)
class ArmFigure:
    """A figure of one arm: ``n`` is how many runs or messages it is of."""

    arm: str
    name: str
    value: float | None
    n: int
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Spark:
    """A small trace without a scale: the path, and its class."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Tiles:
    """The figures of the moment."""

    throughput: float | None
    throughput_sparks: Sequence[Spark]
    arms_throughput: Sequence[ArmFigure]
    latency: Sequence[ArmFigure]
    latency_target_ms: float
    errors: Sequence[ArmFigure]
    error_limit_percent: float
    waiting: int | None
    oldest_seconds: float | None
    promised_seconds: float
    queue_spark: Sequence[Spark]
    cpu: float | None
    cpu_warn: float
    cpu_look: Look | None
    cpu_label: Any
    cpu_spark: Sequence[Spark]
    cpu_limit_y: float


def last_hour(now: datetime) -> Series:
    """Return the last hour from samples, in one query."""
    return series(KEYS, now - timedelta(seconds=SPAN.seconds), now, SPAN.step_seconds)


def newest_standing(now: datetime) -> Standing:
    """Return the verdict that holds at ``now``, in one query."""
    return standing(HealthReport.objects.order_by("-at", "-id").first(), now)


def figures_of(found: Series, shown_marks: Sequence[Mark]) -> dict[str, Figure]:
    """Return the charts of the last hour."""
    throughput = arm_lines(found, "input_bytes")
    scale = byte_scale(throughput.values())
    target = targets().message_p95_ms
    lines = mark_lines(shown_marks)
    return {
        "throughput": figure(found, scale.unit, by_arm(throughput, scale), marks=lines),
        "latency": figure(
            found,
            "ms",
            by_arm(arm_lines(found, "message_ms"), MILLISECONDS, is_band=True),
            levels=[level(target, _("target %(ms)g ms") % {"ms": target}, "target")],
            marks=lines,
            is_log=True,
        ),
    }


def tiles_of(found: Series) -> Tiles:
    """Return the figures of the last hour, and the newest ones of what is now."""
    limits = health_settings()
    rates = arm_lines(found, "input_bytes")
    cpu, waiting = found.lines["cpu_percent"], newest(found.lines["jobs_waiting"])
    load = found.tail("cpu_percent", 6)
    verdict = _against(load, limits.cpu_percent_warn, limits.cpu_percent_fail)
    known = [line.whole for line in rates.values() if line.whole is not None]
    top = max((each for line in rates.values() for each in line.values if each), default=0.0)
    return Tiles(
        throughput=sum(known) if known else None,
        throughput_sparks=[
            Spark(spark(line.values, top), "c" if arm == "control" else "t")
            for arm, line in rates.items()
        ],
        arms_throughput=[
            ArmFigure(arm, ARM_NAMES[arm], line.whole, round(line.amount or 0))
            for arm, line in rates.items()
        ],
        latency=[
            ArmFigure(arm, ARM_NAMES[arm], line.whole, round(line.amount or 0))
            for arm, line in arm_lines(found, "message_ms").items()
        ],
        latency_target_ms=targets().message_p95_ms,
        errors=error_figures(found),
        error_limit_percent=100 * limits.error_rate_fail,
        waiting=None if waiting is None else round(waiting),
        oldest_seconds=newest(found.lines["oldest_waiting_seconds"]),
        promised_seconds=targets().promised_seconds,
        queue_spark=[Spark(spark(found.lines["jobs_waiting"].values), "i")],
        cpu=load,
        cpu_warn=limits.cpu_percent_warn,
        cpu_look=None if verdict in (None, Verdict.OK) else VERDICT_LOOKS[verdict],
        cpu_label="" if verdict is None else verdict.label,
        cpu_spark=[Spark(spark(cpu.values, 100.0), "i")],
        cpu_limit_y=SPARK_BOX[1] - limits.cpu_percent_warn,
    )


def error_figures(found: Series) -> list[ArmFigure]:
    """Return the share of failed runs of each arm, with how many runs it is of."""
    failed, succeeded = arm_lines(found, "runs_failed"), arm_lines(found, "runs_succeeded")
    rates = {arm: ratio(failed[arm], succeeded[arm]) for arm in failed}
    return [
        ArmFigure(
            arm,
            ARM_NAMES[arm],
            None if line.whole is None else 100 * line.whole,
            round(line.amount or 0),
            round(failed[arm].amount or 0),
        )
        for arm, line in rates.items()
    ]


def newest(line: Line) -> float | None:
    """Return the newest value of the last minute; None when there is none."""
    recent = [each for each in line.values[-6:] if each is not None]
    return recent[-1] if recent else None


def _against(value: float | None, warn: float, fail: float) -> Verdict | None:
    if value is None:
        return None
    return Verdict.FAIL if value >= fail else Verdict.WARN if value >= warn else Verdict.OK


def spark(values: Values, top: float = 0.0) -> str:
    """Return the path of a small trace; what is missing is not drawn."""
    width, height = SPARK_BOX
    size = -(-len(values) // SPARK_POINTS) or 1
    means: list[float | None] = []
    for begin in range(0, len(values), size):
        known = [each for each in values[begin : begin + size] if each is not None]
        means.append(sum(known) / len(known) if known else None)
    most = max(top if top else max((each or 0.0 for each in means), default=0.0), 1e-9)
    steps, is_open = [], False
    for number, mean in enumerate(means):
        if mean is None:
            is_open = False
            continue
        x = width * number / max(1, len(means) - 1)
        y = height - 4 - (height - 8) * min(1.0, mean / most)
        steps.append(f"{'L' if is_open else 'M'}{x:.0f} {y:.0f}")
        is_open = True
    return "".join(steps)


def recent_jobs(user: Any) -> list[Row]:
    """Return the newest captures that ``user`` may see, in two queries."""
    captures = with_runs(Capture.objects.visible_to(user)).order_by("-uploaded_at", "-id")
    return [row_of(capture) for capture in captures[:RECENT_JOBS]]


def recent_changes(now: datetime, user: Any) -> list[Mark]:
    """Return the changes of the last days that ``user`` may see, newest first."""
    return marks.between(now - CHANGES_SPAN, now, user)


def summary(now: datetime, user: Any) -> dict[str, Any]:
    """Return all that the overview shows."""
    found = last_hour(now)
    changes = recent_changes(now, user)
    return {
        "now": now,
        "standing": outranked(newest_standing(now), pulse_now(now)),
        "has_samples": not found.is_empty,
        "tiles": tiles_of(found),
        "figures": figures_of(found, changes),
        "window": window_text(found),
        "panels": panels.at(now, user),
        "firing": firing_now(now, user),
        "jobs": recent_jobs(user),
        "changes": changes[:RECENT_CHANGES],
    }
