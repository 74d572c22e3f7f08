"""Closed vocabularies of rollouts, each value with its word; looks are of the style sheet."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.choices import Look


class RolloutState(models.TextChoices):
    """Where a rollout stands."""

    DRAFT = "draft", pgettext_lazy("rollout", "Draft")
    RUNNING = "running", pgettext_lazy("rollout", "Running")
    PAUSED = "paused", pgettext_lazy("rollout", "Paused")
    AWAITING = "awaiting_approval", pgettext_lazy("rollout", "Awaiting approval")
    COMPLETED = "completed", pgettext_lazy("rollout", "Completed")
    ROLLED_BACK = "rolled_back", pgettext_lazy("rollout", "Rolled back")
    ABORTED = "aborted", pgettext_lazy("rollout", "Aborted")


ROLLOUT_LOOKS: Final[dict[RolloutState, Look]] = {
    RolloutState.DRAFT: Look("unknown", "wait"),
    RolloutState.RUNNING: Look("run", "run"),
    RolloutState.PAUSED: Look("warn", "hold"),
    RolloutState.AWAITING: Look("warn", "wait"),
    RolloutState.COMPLETED: Look("ok", "ok"),
    RolloutState.ROLLED_BACK: Look("fail", "back"),
    RolloutState.ABORTED: Look("fail", "stop"),
}
# at most one rollout is in one of these
ACTIVE: Final = (RolloutState.RUNNING, RolloutState.PAUSED, RolloutState.AWAITING)


class PhaseState(models.TextChoices):
    """Where a phase stands."""

    PENDING = "pending", pgettext_lazy("phase", "Pending")
    RUNNING = "running", pgettext_lazy("phase", "Running")
    AWAITING = "awaiting_approval", pgettext_lazy("phase", "Awaiting approval")
    PAUSED = "paused", pgettext_lazy("phase", "Paused")
    PASSED = "passed", pgettext_lazy("phase", "Passed")
    FAILED = "failed", pgettext_lazy("phase", "Failed")
    ROLLED_BACK = "rolled_back", pgettext_lazy("phase", "Rolled back")


PHASE_LOOKS: Final[dict[PhaseState, Look]] = {
    PhaseState.PENDING: Look("unknown", "wait"),
    PhaseState.RUNNING: Look("run", "run"),
    PhaseState.AWAITING: Look("warn", "wait"),
    PhaseState.PAUSED: Look("warn", "hold"),
    PhaseState.PASSED: Look("ok", "ok"),
    PhaseState.FAILED: Look("fail", "fail"),
    PhaseState.ROLLED_BACK: Look("fail", "back"),
}


class PhaseName(models.TextChoices):
    """The five phases, in their order."""

    BASELINE = "baseline_validation", _("Baseline validation")
    AB_TEST = "small_ab_test", _("Small A/B test")
    GRADUAL = "gradual_rollout", _("Gradual rollout")
    FULL = "full_migration", _("Full migration")
    CLEANUP = "legacy_cleanup", _("Legacy cleanup")


PHASES: Final = tuple(PhaseName)


class Move(models.TextChoices):
    """What can happen to a rollout."""

    START = "start", _("started")
    FREEZE = "freeze_baseline", _("baseline frozen")
    REQUEST = "request_approval", _("approval requested")
    WITHDRAW = "withdraw_request", _("request withdrawn")
    STEP = "raise_share", _("share raised")
    PROMOTE = "promote", _("promoted")
    COMPLETE = "complete", _("completed")
    PAUSE = "pause", _("paused")
    RESUME = "resume", _("resumed")
    ROLL_BACK = "roll_back", _("rolled back")
    FAIL = "fail_phase", _("phase failed")
    RESTART = "restart", _("restarted")
    ABORT = "abort", _("aborted")


class GateVerdict(models.TextChoices):
    """What a rule says; the order is from good to bad."""

    PASSED = "passed", _("Passed")
    INCONCLUSIVE = "inconclusive", _("Inconclusive")
    ERROR = "error", _("Error")
    FAILED = "failed", _("Failed")


GATE_LOOKS: dict[GateVerdict, Look] = {
    GateVerdict.PASSED: Look("ok", "ok"),
    GateVerdict.INCONCLUSIVE: Look("unknown", "wait"),
    GateVerdict.ERROR: Look("warn", "warn"),
    GateVerdict.FAILED: Look("fail", "fail"),
}


def worst(verdicts: list[GateVerdict]) -> GateVerdict:
    """Return the worst of verdicts; without any, nothing is shown, so nothing passes."""
    order = list(GateVerdict)
    return max(verdicts, key=order.index, default=GateVerdict.INCONCLUSIVE)


class RuleKind(models.TextChoices):
    """What a rule does: harm rolls back, a gate holds."""

    HARM = "harm", _("rolls back")
    GATE = "gate", _("holds")


class ApprovalState(models.TextChoices):
    """Where a request for approval stands."""

    WAITING = "waiting", pgettext_lazy("approval", "Waiting")
    APPROVED = "approved", pgettext_lazy("approval", "Approved")
    REJECTED = "rejected", pgettext_lazy("approval", "Rejected")
    EXPIRED = "expired", pgettext_lazy("approval", "Expired")
    WITHDRAWN = "withdrawn", pgettext_lazy("approval", "Withdrawn")


class SuspectState(models.TextChoices):
    """What is known of an output that was served before a rollback."""

    LISTED = "listed", pgettext_lazy("suspect", "Not looked at")
    RERUNNING = "rerunning", pgettext_lazy("suspect", "Runs again on legacy")
    SAME = "same", pgettext_lazy("suspect", "Same, byte by byte")
    DIFFERENT = "different", pgettext_lazy("suspect", "Different")
    NO_ORIGINAL = "no_original", pgettext_lazy("suspect", "The original is gone")
    NOT_RERUN = "not_rerun", pgettext_lazy("suspect", "Legacy made no result")
