"""The limits of a rollout as the form lists them, and reading what was typed.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from pydantic.fields import FieldInfo

from config.sections import accepted, number
from config.typed_values import UnacceptableError, as_text, read_typed
from migration.spans import long_span
from trimming.routing_words import share_text


@dataclass(frozen=True, slots=True)
class Group:
    """Limits that belong together."""

    name: str
    title: Any
    help: Any
    keys: tuple[str, ...]


GROUPS: Final = (
    Group(
        "phase-1",
        _("Phase 1, baseline validation"),
        _("legacy serves all, both are compared"),
        ("baseline_dwell_seconds", "baseline_pairs", "baseline_success", "baseline_shadow_share"),
    ),
    Group(
        "phase-2",
        _("Phase 2, small A/B test"),
        _("the first captures on scanning"),
        (
            "ab_share",
            "ab_dwell_seconds",
            "ab_runs",
            "ab_success",
            "ab_treatment_success",
            "degradation",
            "ab_shadow_share",
        ),
    ),
    Group(
        "phase-3",
        _("Phase 3, gradual rollout"),
        _("a growing share, step by step"),
        (
            "gradual_percents",
            "step_dwell_seconds",
            "step_runs",
            "gradual_error_rate",
            "gradual_shadow_share",
        ),
    ),
    Group(
        "phase-4",
        _("Phase 4, full migration"),
        _("all to scanning, legacy serves what fails"),
        ("full_dwell_seconds", "full_runs", "full_success", "full_shadow_share"),
    ),
    Group(
        "phase-5",
        _("Phase 5, legacy cleanup"),
        _("before legacy is retired"),
        ("cleanup_dwell_seconds", "drill_days", "cleanup_shadow_share"),
    ),
    Group(
        "harm",
        _("What rolls back"),
        _("evidence of harm, at every look"),
        (
            "alpha",
            "evidence_seconds",
            "slower_by",
            "slow_limit_runs",
            "failures_in_a_row",
            "error_rate",
            "error_rate_runs",
            "critical_hold_seconds",
            "stale_seconds",
            "stale_rollback_seconds",
        ),
    ),
    Group(
        "equal",
        _("Equal outputs"),
        _("the proof that few captures differ"),
        ("mismatch_budget", "promotion_alpha"),
    ),
    Group(
        "health",
        _("Health"),
        _("what holds while the service is not well"),
        ("least_health", "health_floor", "health_low", "health_low_reports", "health_age_seconds"),
    ),
    Group(
        "when",
        _("Approvals and times of promotion"),
        _("rollbacks and aborts never wait for them"),
        ("approve", "approval_seconds", "window_days", "window_hours", "window_zone", "freezes"),
    ),
    Group(
        "begin-anew",
        _("Restarts and dry runs"),
        _("what a restart keeps, which rules have no effect"),
        ("baseline_days", "dry_run"),
    ),
)
KEYBOARDS: Final[Mapping[Any, str]] = {int: "numeric", float: "decimal"}


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit: what is in force, what stands in its input, and what is wrong with that."""

    key: str
    description: str
    unit: Any
    accepts: str
    in_force: str
    reads_as: str
    was: str
    text: str
    keyboard: str
    problem: str

    @property
    def is_edited(self) -> bool:
        """Whether its input holds something else than what is in force."""
        return self.text != self.was


@dataclass(frozen=True, slots=True)
class GroupRows:
    """A group with its limits."""

    group: Group
    rows: Sequence[LimitRow]

    @property
    def edited(self) -> int:
        """How many differ from what is in force."""
        return sum(row.is_edited for row in self.rows)

    @property
    def has_problems(self) -> bool:
        """Whether something in it is wrong."""
        return any(row.problem for row in self.rows)


def group_rows(
    fields: Mapping[str, FieldInfo],
    in_force: Mapping[str, Any],
    typed: Mapping[str, str],
    problems: Mapping[str, str],
) -> list[GroupRows]:
    """Return all limits in their groups; what nobody has put into one stands in the last."""
    grouped = {key for group in GROUPS for key in group.keys}
    rest = tuple(key for key in fields if key not in grouped)
    last = (Group("more", _("More"), "", rest),) if rest else ()
    return [
        GroupRows(
            group,
            [_row(key, fields[key], in_force[key], typed, problems) for key in group.keys],
        )
        for group in (*GROUPS, *last)
    ]


def _row(
    key: str, field: FieldInfo, value: Any, typed: Mapping[str, str], problems: Mapping[str, str]
) -> LimitRow:
    return LimitRow(
        key=key,
        description=field.description or "",
        unit=unit_of(key, field),
        accepts=accepted(field),
        in_force=number(value),
        reads_as=reads_as(key, value),
        was=as_text(value),
        text=typed.get(key, as_text(value)),
        keyboard=KEYBOARDS.get(field.annotation, "text"),
        problem=problems.get(key, ""),
    )


def unit_of(key: str, field: FieldInfo) -> Any:
    """Return the unit of a limit; empty where its description says all."""
    if key.endswith("_seconds"):
        return "s"
    if field.annotation is float:
        return _("days") if key.endswith("_days") else _("score") if "health" in key else _("share")
    if key.endswith("_percents"):
        return "%"
    return ""


def reads_as(key: str, value: Any) -> str:
    """Return a value as people say it, where that is shorter: seconds as hours, a share in %."""
    if key.endswith("_seconds"):
        return long_span(value) if value >= 60 else ""
    is_share = isinstance(value, float) and not key.endswith("_days") and "health" not in key
    return share_text(value) if is_share else ""


def read_limits(
    fields: Mapping[str, FieldInfo], in_force: Mapping[str, Any], typed: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the limits that differ from what is in force, and what is wrong with others."""
    changes: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for key, field in fields.items():
        text = typed.get(key)
        if text is None or text == as_text(in_force[key]):
            continue
        try:
            value = read_typed(field, text)
        except UnacceptableError as error:
            problems[key] = str(error)
            continue
        if value != in_force[key]:
            changes[key] = value
    return changes, problems


def texts_of(
    fields: Iterable[str], in_force: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, str]:
    """Return what stands in each input when ``changes`` are made to what is in force."""
    return {key: as_text(changes.get(key, in_force[key])) for key in fields}
