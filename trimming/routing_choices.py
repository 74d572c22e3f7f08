"""Closed vocabularies of routing, each value with the words that people read."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Mode(models.TextChoices):
    """How captures are shared out between the two strategies."""

    LEGACY = "legacy", _("all to legacy")
    SCANNING = "scanning", _("all to scanning")
    AUTO = "auto", _("scanning where it can")
    AB_TEST = "ab_test", _("a share to scanning")
    COMPARISON = "comparison", _("legacy serves, scanning is compared")


class Arm(models.TextChoices):
    """What a job was assigned to; none where a person chose."""

    CONTROL = "control", _("control")
    TREATMENT = "treatment", _("treatment")
    NONE = "", _("none")


class Origin(models.TextChoices):
    """Who published a policy."""

    FIRST = "first", _("the first one")
    OPERATOR = "operator", _("an operator")
    ROLLOUT = "rollout", _("a rollout")
    ROLLBACK = "rollback", _("a rollback")


class Why(models.TextChoices):
    """Why a job went to its strategy, as a sentence."""

    UNDECIDED = "", _("Not decided yet.")
    NO_POLICY = "no_policy", _("The routing policy could not be read, so legacy serves.")
    MODE_LEGACY = "mode_legacy", _("Everything goes to legacy.")
    MODE_SCANNING = "mode_scanning", _("Everything goes to scanning.")
    MODE_COMPARISON = "mode_comparison", _("Legacy serves everything while both are compared.")
    BUCKET_CONTROL = "bucket_control", _("Its bucket is above the share that goes to scanning.")
    BUCKET_TREATMENT = (
        "bucket_treatment",
        _("Its bucket is within the share that goes to scanning."),
    )
    AUTO_SUPPORTED = "auto_supported", _("Scanning supports what the capture holds.")
    AUTO_UNSUPPORTED = "auto_unsupported", _("Scanning does not support what the capture holds.")
    UNWATCHED = "unwatched", _("Nobody watches the trial at present, so legacy serves.")
    BREAKER_OPEN = "breaker_open", _("Scanning failed too often lately, so legacy serves.")
    FALLBACK = "fallback", _("Scanning failed on this capture, so legacy serves.")
    OVERRIDE = "override", _("A person chose the strategy.")
    OVERRIDE_REFUSED = (
        "override_refused",
        _("A person chose scanning, but a rollback stands, so legacy serves."),
    )
    # while legacy is retired there is nobody else
    RETIRED_BREAKER_OPEN = (
        "retired_breaker_open",
        _("Legacy is retired, so scanning serves, though it failed too often."),
    )
    RETIRED_AFTER_FAILURE = (
        "retired_after_failure",
        _("Legacy is retired, so scanning serves, though an attempt failed."),
    )
    RETIRED_OVERRIDE = (
        "retired_override",
        _("A person chose legacy, but it is retired, so scanning serves."),
    )
    ROLLED_BACK = "rolled_back", _("Scanning was rolled back while it ran, so legacy serves.")


class BreakerState(models.TextChoices):
    """What a breaker lets through."""

    CLOSED = "closed", _("closed: all is let through")
    OPEN = "open", _("open: nothing is let through")
    PROBING = "probing", _("open: one job at a time is let through")


class ShadowState(models.TextChoices):
    """Where a comparison in the background stands."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    DROPPED = "dropped", _("left out")
    BROKEN = "broken", _("stopped by a fault around it")


class ShadowOutcome(models.TextChoices):
    """What a comparison says."""

    MATCHED = "matched", _("matched")
    MISMATCHED = "mismatched", _("mismatched")
    IGNORED = "ignored", _("ignored")


class LeakState(models.TextChoices):
    """Whether the treatment left something that the control masks."""

    NONE = "none", _("none")
    SUSPECTED = "suspected", _("suspected")
    CONFIRMED = "confirmed", _("confirmed")


class FaultKind(models.TextChoices):
    """What a strategy can be made to do on purpose, in a rehearsal."""

    SLOW = "slow", _("takes much longer")
    FAILING = "failing", _("fails")
    LEAKING = "leaking", _("masks nothing")
    LOST_WORKER = "lost-worker", _("its worker is killed")
    FULL_DISK = "full-disk", _("finds the disk full")
