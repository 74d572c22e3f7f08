"""One attempt at a comparison in the background: claim, private copy, both strategies, the result.

The job that was served is not touched, whatever happens here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import close_old_connections
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.faults import type_and_place
from trimming import drills, job_rules, shadow_queue, shadow_rules
from trimming.apart.process import DiedError, Doing, Tell, Values, here
from trimming.apart.words import MOST, STRANGE, ForeignError
from trimming.comparison_views import comparison_as_dict
from trimming.conf import routing_settings, trimming_settings
from trimming.engine.comparison import CompareStage, Comparison, compare
from trimming.engine.errors import CancelledError, InputError
from trimming.engine.options import TrimOptions
from trimming.files import copy_out, private_folder, shadow_name
from trimming.hang_guard import HangGuard
from trimming.models import Shadow
from trimming.rates import measured_bytes_per_s
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState
from trimming.shadow_rules import Answer
from trimming.shadow_sides import ObservedStrategy, SideLateError, failure_text, shows_payload
from trimming.sweeper import late_reason
from trimming.throttle import Throttle
from trimming.worker_limits import CpuTimeError

log = structlog.get_logger("pktmask.shadows")

# so many differences of each kind are kept with a row; all of them are counted
MAX_KEPT: Final = 100
LISTS: Final = ("ranges", "checksums", "frame_checks")
_DICE = secrets.SystemRandom()


class LostError(CancelledError):
    """Somebody else has the comparison now."""


class LateError(CancelledError):
    """The comparison ran longer than it may."""


class OneSidedError(Exception):
    """One of the strategies made no plan, so that there is nothing to hold side by side."""


@dataclass(frozen=True, slots=True)
class Round:
    """Both strategies once over a capture; ``found`` is None unless both made a plan."""

    control: ObservedStrategy
    treatment: ObservedStrategy
    found: Comparison | None


def run_shadow(
    shadow_id: UUID, worker: str, doing: Doing = here, *, treatment_first: bool | None = None
) -> None:
    """Do one attempt at a comparison that is waiting; ``doing`` is how and where.

    ``treatment_first`` says who runs first; by default, dice do.
    """
    shadow = shadow_queue.claim(shadow_id, worker)
    if shadow is None:
        log.info("no_shadow_to_claim", shadow_id=str(shadow_id))
        return
    is_turned = _DICE.random() < 0.5 if treatment_first is None else treatment_first
    names = {"shadow_id": str(shadow_id), "job_id": str(shadow.job_id), "attempt": shadow.attempt}
    with structlog.contextvars.bound_contextvars(**names):
        log.info("shadow_started", treatment_first=is_turned)
        try:
            _attempt(shadow, doing, treatment_first=is_turned)
        finally:
            close_old_connections()


def _attempt(shadow: Shadow, doing: Doing, *, treatment_first: bool) -> None:
    values: dict[str, Any] = {"went_first": TREATMENT if treatment_first else CONTROL}
    try:
        values |= _compared(shadow, doing, treatment_first=treatment_first)
        state = ShadowState.DONE
    except LostError:
        log.warning("shadow_lease_lost")
        return
    except LateError:
        state = ShadowState.DONE
        values |= _ignored(late_reason(routing_settings().shadow_deadline_seconds))
    except InputError as error:  # found before any strategy has begun
        state = ShadowState.DONE
        values |= _ignored(failure_text(error))
    except (DiedError, ForeignError) as error:
        state = ShadowState.BROKEN
        values |= _ignored(_("It stopped: %(how)s.") % {"how": str(error)})
    # the disk, the storage, the database, the limits of a worker, or what nobody foresaw
    except (Exception, CpuTimeError) as error:
        state = ShadowState.BROKEN
        values |= _ignored(_("It stopped: %(kind)s at %(place)s.") % type_and_place(error))
    ended = shadow_queue.end(shadow, state, **values)
    outcome = values.get("outcome", "")
    log.info("shadow_ended", state=state.value, outcome=str(outcome), recorded=ended)


def _ignored(reason: str) -> dict[str, Any]:
    return {"outcome": ShadowOutcome.IGNORED, "reason": reason}


def _compared(shadow: Shadow, doing: Doing, *, treatment_first: bool) -> dict[str, Any]:
    """Return the fields of the row that tell what came of it."""
    capture = shadow.job.capture
    if not capture.has_original:
        return _ignored(_("The original was deleted before."))
    options = shadow.job.profile.trim_options()
    faults = {
        name: drills.fault_in_comparison(name, shadow.digest) for name in (CONTROL, TREATMENT)
    }
    with (
        HangGuard(trimming_settings().lease_seconds) as guard,
        private_folder(shadow_name(shadow)) as folder,
    ):
        watch = ShadowWatch(shadow, guard.alive)
        source = folder / "input"
        copy_out(capture.original, source, lambda done: watch.look())
        allowed = _allowed_seconds(shadow)
        seconds = routing_settings().shadow_deadline_seconds

        def work(tell: Tell) -> Values:
            sides = SideWatch(allowed, seconds, lambda stage: tell(stage, 0, 0))
            try:
                return _answer(source, options, sides, faults, treatment_first=treatment_first)
            except LateError:
                return _ignored(late_reason(seconds))

        values = doing(work, lambda *_: watch.look(), folder)
        try:
            return Answered.model_validate(values).model_dump()
        except ValidationError:
            raise DiedError(STRANGE) from None


class Answered(BaseModel):
    """Fields of a comparison; their form is looked at, because nobody trusts who says them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    outcome: ShadowOutcome
    reason: str
    control_version: str = Field("", max_length=32)
    treatment_version: str = Field("", max_length=32)
    control_ms: float | None = None
    treatment_ms: float | None = None
    control_failure: str = ""
    treatment_failure: str = ""
    report: dict[str, Any] | None = None
    leak: LeakState = LeakState.NONE
    leaked_bytes: int = Field(0, ge=0, le=MOST)
    over_masked_bytes: int = Field(0, ge=0, le=MOST)


def _answer(
    source: Path,
    options: TrimOptions,
    watch: SideWatch,
    faults: Mapping[str, drills.Fault],
    *,
    treatment_first: bool,
) -> dict[str, Any]:
    """Compare.  Nothing here may ask the database."""
    first = _round(source, options, watch, faults, treatment_first=treatment_first)
    values = _facts(first)
    if first.found is None:
        return values

    def again() -> Round:
        return _round(source, options, watch, faults, treatment_first=treatment_first)

    def told(_done_bytes: int) -> None:
        watch.look("compare")

    return values | _leaks(source, first.found, options, again, told)


def _round(
    source: Path,
    options: TrimOptions,
    watch: SideWatch,
    faults: Mapping[str, drills.Fault],
    *,
    treatment_first: bool,
) -> Round:
    control, treatment = (ObservedStrategy(name, faults[name]) for name in (CONTROL, TREATMENT))

    def told(stage: CompareStage, done: int, total: int) -> None:
        if stage == "compare" and not _both_planned(control, treatment):
            raise OneSidedError
        watch.look(stage)

    try:
        found = compare(
            source,
            (control.load, treatment.load),
            options,
            clock=time.perf_counter,
            folder=source.parent,
            progress=told,
            second_runs_first=treatment_first,
        )
    except OneSidedError:
        return Round(control, treatment, None)
    return Round(control, treatment, found if _both_planned(control, treatment) else None)


def _both_planned(*sides: ObservedStrategy) -> bool:
    return all(side.answer is Answer.PLANNED for side in sides)


def _facts(round_: Round) -> dict[str, Any]:
    control, treatment, found = round_.control, round_.treatment, round_.found
    is_equal = found is not None and found.matched
    outcome = shadow_rules.outcome_of(control.answer, treatment.answer, is_equal=is_equal)
    neither = outcome is ShadowOutcome.IGNORED
    return {
        "outcome": outcome,
        "reason": _("Neither strategy could use the capture.") if neither else "",
        "control_version": control.version,
        "treatment_version": treatment.version,
        "control_ms": control.duration_ms,
        "treatment_ms": treatment.duration_ms,
        "control_failure": control.failure,
        "treatment_failure": treatment.failure,
        "report": None if found is None else _report(found),
    }


def _report(found: Comparison) -> dict[str, Any]:
    """Return the comparison as plain values, small enough for a row."""
    whole = comparison_as_dict(found)
    kept = {name: whole[name][:MAX_KEPT] for name in LISTS}  # type: ignore[index]  # these are lists
    return {**whole, **kept}


def _leaks(
    source: Path,
    found: Comparison,
    options: TrimOptions,
    again: Callable[[], Round],
    told: Callable[[int], None],
) -> dict[str, Any]:
    """Return what the two plans say about leaks; strategies run again only where there is one."""
    leaked, over_masked = found.masked_by_one(options)
    leak = LeakState.NONE
    if leaked:
        repeats = shows = False
        try:
            repeats = _without_times(again().found) == _without_times(found)
            shows = shows_payload(source, found, options, leaked, told)
        except LostError:
            raise
        except Exception as error:  # what the first run found stays, whatever stopped the second
            log.warning("shadow_leak_not_looked_at_twice", **type_and_place(error))
        leak = shadow_rules.leak_of(leaked, repeats=repeats, shows=shows)
        log.warning("shadow_leak", leak=leak.value, bytes=leaked)
    return {"leak": leak, "leaked_bytes": leaked, "over_masked_bytes": over_masked}


def _without_times(found: Comparison | None) -> Comparison | None:
    if found is None:
        return None
    first, second = (replace(side, duration_ms=0.0) for side in found.sides)
    return replace(found, sides=(first, second))


def _allowed_seconds(shadow: Shadow) -> dict[str, float]:
    """Return how long each strategy may take: as long as a served job may run on it."""
    size = shadow.job.capture.size_bytes
    least = trimming_settings().least_deadline_seconds
    return {
        stage: job_rules.deadline_seconds(size, measured_bytes_per_s(strategy), least)
        for stage, strategy in (("first", CONTROL), ("second", TREATMENT))
    }


class SideWatch:
    """Says where a comparison is, and when it or one of its strategies must stop.  No database."""

    def __init__(
        self,
        allowed_seconds: Mapping[str, float],
        deadline_seconds: float,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed_seconds
        self._until = clock() + deadline_seconds
        self._tell = tell
        self._clock = clock
        self._stage = ""
        self._stage_began = clock()

    def look(self, stage: str) -> None:
        """Raise LateError or SideLateError, and what telling raises."""
        now = self._clock()
        if now >= self._until:
            raise LateError("past the deadline")
        if stage != self._stage:
            self._stage, self._stage_began = stage, now
        self._tell(stage)
        allowed = self._allowed.get(stage)
        if allowed is not None and now - self._stage_began >= allowed:
            raise SideLateError(late_reason(allowed))


class ShadowWatch:
    """Renews the lease of an attempt, and says when it must stop.

    ``alive`` is called before each renewal.
    """

    def __init__(
        self,
        shadow: Shadow,
        alive: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shadow = shadow
        self._alive = alive
        self._clock = clock
        # SideWatch says it in time; this is for who does not listen to it
        late = routing_settings().shadow_deadline_seconds + trimming_settings().lease_seconds
        self._until = clock() + late
        self._due = Throttle(trimming_settings().beat_seconds, clock)

    def look(self) -> None:
        """Raise LostError or LateError."""
        if self._clock() >= self._until:
            raise LateError("past the deadline")
        if self._due():
            self._alive()
            if not shadow_queue.renew(self._shadow):
                raise LostError("the attempt no longer holds its comparison")
