"""One attempt at a comparison, with the real engine and strategies that fail in every way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings as django_settings

from tests.factories import capture_bytes, make_job, make_user
from tests.trimming.results import finish
from tests.trimming.shadows import compare_all, make_shadow, reread, set_routing
from trimming import jobs, runner, shadow_queue, shadow_runner
from trimming.apart.process import DiedError, apart
from trimming.choices import JobState, RunOutcome
from trimming.engine.byte_classes import ByteClass
from trimming.engine.comparison import compare
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy
from trimming.models import Capture, Shadow, TrimJob, TrimRun
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState
from trimming.shadow_rules import Answer
from trimming.shadow_runner import LateError, LostError, ShadowWatch, SideWatch, run_shadow
from trimming.shadow_sides import ObservedStrategy, SideLateError
from trimming.worker_limits import CpuTimeError

pytestmark = pytest.mark.django_db
SECRET = b"the payload that nobody may read"
Progress = Callable[[int], None] | None


class Twin(LegacyStrategy):
    """The control once more, under the name of the treatment."""

    name, version = "scanning", "twin"


class Failing(Twin):
    """Does what a test gives it, in the middle of a capture."""

    version = "failing"
    act: ClassVar[Callable[[], Any]] = lambda: None

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        next(capture.packets(progress))
        type(self).act()


class Leaking(Twin):
    """Takes bodies for headers, so that they are kept."""

    version = "leaking"
    turned: ClassVar[dict[ByteClass, ByteClass]] = {ByteClass.BODY: ByteClass.HEADER}

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        real_span, real_change, turned = plan.add_span, plan.add_change, self.turned

        def add_span(packet: int, start: int, end: int, byte_class: ByteClass, **more: Any) -> None:
            real_span(packet, start, end, turned.get(byte_class, byte_class), **more)

        def add_change(
            packet: int,
            offset: int,
            kind: FieldKind,
            delta: int,
            byte_class: ByteClass,
            **more: Any,
        ) -> None:
            turned_class = turned.get(byte_class, byte_class)
            real_change(packet, offset, kind, delta, turned_class, **more)

        plan.add_span, plan.add_change = add_span, add_change  # type: ignore[method-assign]
        super().plan(capture, plan, tally, progress)


class OverMasking(Leaking):
    """Takes headers for bodies, so that they are masked."""

    version = "over-masking"
    turned: ClassVar[dict[ByteClass, ByteClass]] = {ByteClass.HEADER: ByteClass.BODY}


class Fickle(Leaking):
    """Leaks at the first look and does not at the second."""

    version = "fickle"
    looked: ClassVar[list[bool]] = []

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        self.looked.append(True)
        if len(self.looked) == 1:
            super().plan(capture, plan, tally, progress)
        else:
            LegacyStrategy.plan(self, capture, plan, tally, progress)


class Shifting(Leaking):
    """Leaks, and masks headers, so that not all that differs leaks."""

    version = "shifting"
    turned: ClassVar[dict[ByteClass, ByteClass]] = {
        ByteClass.BODY: ByteClass.HEADER,
        ByteClass.HEADER: ByteClass.BODY,
    }


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 2}
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    compare_all()


@pytest.fixture
def treat_with(settings: Any) -> Callable[[type], None]:
    """Let a strategy of this module stand in for the treatment."""

    def treat_with(strategy: type) -> None:
        settings.TRIMMING_STRATEGIES = {"scanning": f"{__name__}:{strategy.__name__}"}

    return treat_with


@pytest.fixture
def act(treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the treatment do something in the middle of a capture."""
    treat_with(Failing)
    return lambda what: monkeypatch.setattr(Failing, "act", staticmethod(what))


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def once(real: Callable[..., None], error: Exception) -> Callable[..., None]:
    """Return ``real`` for both strategies of a first run; then it raises."""
    calls: list[bool] = []

    def plan(*given: Any) -> None:
        calls.append(True)
        if len(calls) > 2:
            raise error
        real(*given)

    return plan


def compared(data: bytes | None = None, *, treatment_first: bool = False) -> Shadow:
    """Do one attempt at the comparison of a capture and return what was written of it."""
    shadow = make_shadow(capture_bytes(SECRET) if data is None else data)
    run_shadow(shadow.pk, "one/1", treatment_first=treatment_first)
    assert list(Path(django_settings.WORK_ROOT).iterdir()) == []
    return reread(shadow)


# --- what comes of it -----------------------------------------------------------------------------


@pytest.mark.parametrize("treatment_first", [False, True])
def test_strategies_that_agree_match_whoever_goes_first(
    treat_with: Callable[[type], None], treatment_first: bool
) -> None:
    treat_with(Twin)
    found = compared(treatment_first=treatment_first)
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.MATCHED)
    assert found.went_first == ("scanning" if treatment_first else "legacy")
    assert (found.control_version, found.treatment_version) == (LegacyStrategy.version, "twin")
    assert found.control_ms is not None
    assert found.treatment_ms is not None
    assert found.report is not None
    assert [side["strategy"] for side in found.report["strategies"]] == ["legacy", "scanning"]
    assert (found.leak, found.leaked_bytes, found.over_masked_bytes) == (LeakState.NONE, 0, 0)


def test_the_two_real_strategies_match() -> None:
    assert compared().outcome == ShadowOutcome.MATCHED


@pytest.mark.parametrize("treatment_first", [False, True])
def test_a_leak_that_repeats_is_confirmed_with_its_bytes_and_without_payload(
    treat_with: Callable[[type], None], treatment_first: bool
) -> None:
    treat_with(Leaking)
    found = compared(treatment_first=treatment_first)
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.MISMATCHED)
    assert (found.leak, found.leaked_bytes) == (LeakState.CONFIRMED, len(SECRET))
    assert found.over_masked_bytes == 0
    assert found.report is not None
    assert found.report["mismatched"] == [
        {"classes": ["body", "header"], "ranges": 1, "bytes": len(SECRET)}
    ]
    assert SECRET.decode() not in str(found.report) + found.reason


def test_a_leak_that_does_not_repeat_is_suspected(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    treat_with(Fickle)
    monkeypatch.setattr(Fickle, "looked", [])
    found = compared()
    assert (found.leak, found.leaked_bytes) == (LeakState.SUSPECTED, len(SECRET))


@pytest.mark.parametrize("error", [LateError(), OSError(28, "full")])
def test_a_leak_that_cannot_be_looked_at_twice_is_kept_as_suspected(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    treat_with(Fickle)
    monkeypatch.setattr(Fickle, "looked", [])
    monkeypatch.setattr(LegacyStrategy, "plan", once(LegacyStrategy.plan, error))
    found = compared()
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.MISMATCHED)
    assert (found.leak, found.leaked_bytes) == (LeakState.SUSPECTED, len(SECRET))


def test_bytes_that_are_what_they_would_be_overwritten_with_confirm_no_leak(
    treat_with: Callable[[type], None],
) -> None:
    treat_with(Leaking)
    found = compared(capture_bytes(bytes(40)))
    assert (found.leak, found.leaked_bytes) == (LeakState.SUSPECTED, 40)


def test_what_leaks_is_told_apart_from_what_is_masked_too_much(
    treat_with: Callable[[type], None],
) -> None:
    treat_with(Shifting)
    found = compared()
    assert (found.leak, found.leaked_bytes) == (LeakState.CONFIRMED, len(SECRET))
    assert found.over_masked_bytes > 0


def test_more_masked_than_by_the_control_is_a_mismatch_and_no_leak(
    treat_with: Callable[[type], None],
) -> None:
    treat_with(OverMasking)
    found = compared()
    assert (found.outcome, found.leak) == (ShadowOutcome.MISMATCHED, LeakState.NONE)
    assert found.leaked_bytes == 0
    assert found.over_masked_bytes > 0


def test_where_not_all_leaking_ranges_were_kept_the_rest_is_taken_to_show_something(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(*given: Any, **named: Any) -> Any:
        return compare(*given, **named, most=0)

    treat_with(Leaking)
    monkeypatch.setattr(shadow_runner, "compare", few)
    assert compared(capture_bytes(bytes(40))).leak == LeakState.CONFIRMED


def test_a_strategy_that_nobody_registered_is_named(settings: Any) -> None:
    settings.TRIMMING_STRATEGIES = {}
    found = ObservedStrategy("scaning").load()
    assert found.answer is Answer.FAILED
    assert found.failure.startswith("strategy 'scaning' is not known")


# --- strategies that fail -------------------------------------------------------------------------


@pytest.mark.parametrize("treatment_first", [False, True])
def test_a_crash_of_one_is_a_mismatch_by_kind_and_place_and_the_other_is_timed(
    act: Callable[..., None], treatment_first: bool
) -> None:
    act(raising(RuntimeError(SECRET.decode())))
    found = compared(treatment_first=treatment_first)
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.MISMATCHED)
    assert "RuntimeError at test_shadow_runner.py:" in found.treatment_failure
    assert SECRET.decode() not in found.treatment_failure + found.reason
    assert (found.control_failure, found.treatment_ms, found.report) == ("", None, None)
    assert found.control_ms is not None


def test_a_strategy_that_cannot_be_loaded_has_failed(settings: Any) -> None:
    settings.TRIMMING_STRATEGIES = {"scanning": "no.such.module:Strategy"}
    found = compared()
    assert found.outcome == ShadowOutcome.MISMATCHED
    assert "ModuleNotFoundError" in found.treatment_failure
    assert found.treatment_version == ""


def test_a_capture_that_only_one_refuses_is_a_mismatch(act: Callable[..., None]) -> None:
    act(raising(InputError("x", 32, "a record", "the end")))
    found = compared()
    assert found.outcome == ShadowOutcome.MISMATCHED
    assert found.treatment_failure == "Byte 32: expected a record, found the end."


def test_a_capture_that_nobody_can_read_is_ignored_with_the_place(
    treat_with: Callable[[type], None],
) -> None:
    treat_with(Twin)
    found = compared(capture_bytes(SECRET)[:24] + b"\xff" * 64)
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.IGNORED)
    assert found.reason


def test_a_crash_of_both_is_ignored(settings: Any, act: Callable[..., None]) -> None:
    act(raising(ValueError()))
    failing = f"{__name__}:Failing"
    settings.TRIMMING_STRATEGIES = {"legacy": failing, "scanning": failing}
    found = compared()
    assert (found.outcome, found.reason) == (
        ShadowOutcome.IGNORED,
        "Neither strategy could use the capture.",
    )
    assert found.control_failure
    assert found.treatment_failure


def test_an_original_that_was_deleted_is_ignored(treat_with: Callable[[type], None]) -> None:
    treat_with(Twin)
    shadow = make_shadow()
    Capture.objects.update(original="")
    run_shadow(shadow.pk, "one/1")
    found = reread(shadow)
    assert (found.outcome, found.reason) == (
        ShadowOutcome.IGNORED,
        "The original was deleted before.",
    )


def test_a_disk_that_fails_is_nobodys_fault(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    treat_with(Twin)
    monkeypatch.setattr(shadow_runner, "copy_out", lambda *_: raising(OSError(28, "full"))())
    found = compared()
    assert (found.state, found.outcome) == (ShadowState.BROKEN, ShadowOutcome.IGNORED)
    assert "OSError" in found.reason


def test_a_disk_that_fails_under_a_strategy_is_not_its_fault(act: Callable[..., None]) -> None:
    act(raising(OSError(28, "No space left on device")))
    found = compared()
    assert (found.state, found.outcome) == (ShadowState.BROKEN, ShadowOutcome.IGNORED)
    assert found.treatment_failure == ""


def test_one_that_is_out_of_cpu_time_is_broken_off_and_does_not_end_its_worker(
    act: Callable[..., None],
) -> None:
    act(raising(CpuTimeError()))
    found = compared()
    assert (found.state, found.outcome) == (ShadowState.BROKEN, ShadowOutcome.IGNORED)
    assert "CpuTimeError" in found.reason


def test_what_was_taken_away_writes_nothing(act: Callable[..., None]) -> None:
    def lose() -> None:
        Shadow.objects.update(worker="somebody/else")
        raise LostError

    act(lose)
    found = compared()
    assert (found.state, found.outcome, found.worker) == (
        ShadowState.RUNNING,
        "",
        "somebody/else",
    )


def test_one_past_its_deadline_is_ignored(act: Callable[..., None]) -> None:
    act(raising(LateError()))
    found = compared()
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.IGNORED)
    assert found.reason == "Took longer than the 900 s that it may take; stopped."


def test_one_that_is_not_waiting_is_left_alone(treat_with: Callable[[type], None]) -> None:
    treat_with(Twin)
    found = compared()
    run_shadow(found.pk, "two/1")
    assert reread(found).worker == "one/1"


class Dice:
    """Falls low, then high."""

    def __init__(self) -> None:
        self.falls = [0.9, 0.1]

    def random(self) -> float:
        return self.falls.pop()


def test_dice_decide_who_goes_first(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    treat_with(Twin)
    first = []
    monkeypatch.setattr(shadow_runner, "_DICE", Dice())
    for _ in range(2):
        shadow = make_shadow()
        run_shadow(shadow.pk, "one/1")
        first.append(reread(shadow).went_first)
    assert first == ["scanning", "legacy"]


def test_a_row_keeps_the_first_differences_and_the_count_of_all(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    treat_with(OverMasking)
    monkeypatch.setattr(shadow_runner, "MAX_KEPT", 1)
    found = compared()
    assert found.report is not None
    assert len(found.report["ranges"]) == 1
    assert found.report["range_count"] > 1


# --- the served job -------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError(), MemoryError(), OSError(), LateError()])
def test_whatever_happens_to_a_comparison_the_served_job_stays_as_it_was(
    act: Callable[..., None], error: Exception
) -> None:
    act(raising(error))
    job = make_job(make_user(), capture_bytes(SECRET))
    shadow_queue.queue_shadow(finish(job))

    def rows() -> list[Any]:
        return [*TrimJob.objects.values(), *TrimRun.objects.values(), *Capture.objects.values()]

    before = rows()
    run_shadow(Shadow.objects.get().pk, "one/1")
    assert Shadow.objects.get().finished_at is not None
    assert rows() == before


def test_a_worker_that_is_killed_in_it_leaves_the_row_to_the_sweeper(
    act: Callable[..., None],
) -> None:
    act(raising(SystemExit()))
    shadow = make_shadow()
    with pytest.raises(SystemExit):
        run_shadow(shadow.pk, "one/1")
    assert reread(shadow).state == ShadowState.RUNNING
    assert list(Path(django_settings.WORK_ROOT).iterdir()) == []


# --- the watch ------------------------------------------------------------------------------------


class Time:
    """A clock of the test."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> tuple[ShadowWatch, Time, Shadow]:
    """The watch of a comparison that has begun, and its clock."""
    set_routing(monkeypatch, "shadow_deadline_seconds", 200.0)
    shadow = shadow_queue.claim(make_shadow().pk, "one/1")
    assert shadow is not None
    time = Time()
    return ShadowWatch(shadow, lambda: None, time), time, shadow


def test_the_lease_is_renewed(watched: tuple[ShadowWatch, Time, Shadow]) -> None:
    watch, time, shadow = watched
    until = shadow.lease_until
    time.now += 1
    watch.look()
    renewed = reread(shadow).lease_until
    assert until is not None
    assert renewed is not None
    assert renewed > until


def test_one_that_does_not_stop_at_its_deadline_is_stopped(
    watched: tuple[ShadowWatch, Time, Shadow],
) -> None:
    watch, time, _ = watched
    time.now += 229
    watch.look()
    time.now += 1
    with pytest.raises(LateError):
        watch.look()


def test_one_that_was_taken_away_stops(watched: tuple[ShadowWatch, Time, Shadow]) -> None:
    watch, time, _ = watched
    Shadow.objects.update(state=ShadowState.WAITING)
    time.now += 1
    with pytest.raises(LostError):
        watch.look()


def test_a_strategy_may_take_as_long_as_a_served_job_and_no_longer() -> None:
    time, told = Time(), list[str]()
    watch = SideWatch({"first": 120.0, "second": 120.0}, 500.0, told.append, time)
    watch.look("first")
    time.now += 119
    watch.look("first")
    watch.look("second")
    time.now += 2
    watch.look("second")
    time.now += 118
    with pytest.raises(SideLateError, match="Took longer than the 120 s"):
        watch.look("second")
    watch.look("compare")
    time.now += 400
    with pytest.raises(LateError):
        watch.look("compare")
    assert told == ["first", "first", "second", "second", "second", "compare"]


def test_a_comparison_in_a_process_apart_says_the_same() -> None:
    shadow = make_shadow()
    run_shadow(shadow.pk, "one/1", partial(apart, silence_seconds=120.0))
    found = reread(shadow)
    assert (found.state, found.outcome) == (ShadowState.DONE, ShadowOutcome.MATCHED)
    assert found.report is not None


@pytest.mark.parametrize(
    ("values", "reason"),
    [({}, "It stopped: it said what no work says."), (None, "It stopped: it was lost.")],
)
def test_a_comparison_whose_process_is_lost_or_lies_is_left(
    values: dict[str, Any] | None, reason: str
) -> None:
    def doing(*_: Any) -> dict[str, Any]:
        if values is None:
            raise DiedError("it was lost")
        return values

    shadow = make_shadow()
    run_shadow(shadow.pk, "one/1", doing)
    found = reread(shadow)
    assert (found.state, found.reason) == (ShadowState.BROKEN, reason)


# --- a strategy that leaks, caught by each of two alone -------------------------------------------


def test_a_leaking_strategy_is_caught_by_verification_alone(
    treat_with: Callable[[type], None],
) -> None:
    treat_with(Leaking)
    job = make_job(make_user(), capture_bytes(SECRET))
    TrimJob.objects.filter(pk=job.pk).update(strategy_override="scanning")
    runner.run_job(job.pk, "one/1")
    run = TrimRun.objects.get()
    assert (run.strategy, run.outcome) == ("scanning", RunOutcome.UNVERIFIED)
    assert not run.output
    job.refresh_from_db()
    # and legacy serves it
    assert (job.state, job.failed_on) == (JobState.WAITING, "scanning")


def test_a_leaking_strategy_is_caught_by_the_comparison_alone(
    treat_with: Callable[[type], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(*_: Any, **__: Any) -> None:
        raise AssertionError("verification was asked")

    monkeypatch.setattr("trimming.engine.pipeline.verify", blind)
    treat_with(Leaking)
    assert compared().leak == LeakState.CONFIRMED
