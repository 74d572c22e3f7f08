"""Closed vocabularies.  Each value carries its label, its tone and its shape (an icon's name).

Tones are those of the style sheet: ok, warn, fail, unknown, run.
"""

from __future__ import annotations

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Look(NamedTuple):
    """How a value is shown, beside its word."""

    tone: str
    shape: str


class JobState(models.TextChoices):
    """Where a job stands.  See moves.py for what may follow what."""

    WAITING = "waiting", pgettext_lazy("job", "Waiting")
    RUNNING = "running", pgettext_lazy("job", "Running")
    DONE = "done", pgettext_lazy("job", "Done")
    FAILED = "failed", pgettext_lazy("job", "Failed")
    REFUSED = "refused", pgettext_lazy("job", "Refused")
    CANCELLED = "cancelled", pgettext_lazy("job", "Cancelled")


OPEN_STATES = (JobState.WAITING, JobState.RUNNING)

JOB_LOOKS: dict[JobState, Look] = {
    JobState.WAITING: Look("unknown", "wait"),
    JobState.RUNNING: Look("run", "run"),
    JobState.DONE: Look("ok", "ok"),
    JobState.FAILED: Look("fail", "fail"),
    JobState.REFUSED: Look("unknown", "stop"),
    JobState.CANCELLED: Look("unknown", "stop"),
}


class Priority(models.IntegerChoices):
    """Which of the waiting jobs go before others, whoever asked for them."""

    LOW = -1, pgettext_lazy("priority", "Low: after all others")
    NORMAL = 0, pgettext_lazy("priority", "Normal")
    HIGH = 1, pgettext_lazy("priority", "High: before all others")


class RunOutcome(models.TextChoices):
    """How one attempt at a job ended."""

    RUNNING = "running", pgettext_lazy("run", "Running")
    DONE = "done", pgettext_lazy("run", "Done")
    REFUSED = "refused", pgettext_lazy("run", "Refused: the capture cannot be used")
    FAILED = "failed", pgettext_lazy("run", "Failed")
    UNVERIFIED = "unverified", pgettext_lazy("run", "Failed its verification")
    CANCELLED = "cancelled", pgettext_lazy("run", "Cancelled")
    # the machine, the storage or the database failed, not the strategy
    BROKEN = "broken", pgettext_lazy("run", "Stopped by a fault around it")
    # finished, but scanning was rolled back while it ran
    DISCARDED = "discarded", pgettext_lazy("run", "Discarded after a rollback")
    LATE = "late", pgettext_lazy("run", "Past its deadline")
    LOST = "lost", pgettext_lazy("run", "Lost its worker")
    GIVEN_BACK = "given_back", pgettext_lazy("run", "Given back at a stop")


RUN_LOOKS: dict[RunOutcome, Look] = {
    RunOutcome.RUNNING: Look("run", "run"),
    RunOutcome.DONE: Look("ok", "ok"),
    RunOutcome.REFUSED: Look("unknown", "stop"),
    RunOutcome.FAILED: Look("fail", "fail"),
    RunOutcome.UNVERIFIED: Look("fail", "error"),
    RunOutcome.CANCELLED: Look("unknown", "stop"),
    RunOutcome.BROKEN: Look("warn", "warn"),
    RunOutcome.DISCARDED: Look("unknown", "back"),
    RunOutcome.LATE: Look("fail", "fail"),
    RunOutcome.LOST: Look("warn", "warn"),
    RunOutcome.GIVEN_BACK: Look("unknown", "back"),
}


class OutcomeKind(models.TextChoices):
    """What the end of an attempt says of its strategy."""

    OPEN = "open", _("not ended")
    SUCCEEDED = "succeeded", _("succeeded")
    REFUSED_INPUT = "refused_input", _("the capture cannot be used")
    CANCELLED = "cancelled", _("cancelled")
    INFRASTRUCTURE = "infrastructure", _("a fault around the strategy")
    STRATEGY_FAILURE = "strategy_failure", _("the strategy failed")
    ODD_CAPTURE = "odd_capture", _("no output of the capture is verified")
    UNDECIDED = "undecided", _("refused, and legacy has not answered")


# only a failure of the strategy counts in rules, breaker and fallback
OUTCOME_KINDS: dict[RunOutcome, OutcomeKind] = {
    RunOutcome.RUNNING: OutcomeKind.OPEN,
    RunOutcome.DONE: OutcomeKind.SUCCEEDED,
    RunOutcome.REFUSED: OutcomeKind.REFUSED_INPUT,
    RunOutcome.CANCELLED: OutcomeKind.CANCELLED,
    RunOutcome.BROKEN: OutcomeKind.INFRASTRUCTURE,
    RunOutcome.LOST: OutcomeKind.INFRASTRUCTURE,
    RunOutcome.GIVEN_BACK: OutcomeKind.INFRASTRUCTURE,
    RunOutcome.DISCARDED: OutcomeKind.INFRASTRUCTURE,
    RunOutcome.FAILED: OutcomeKind.STRATEGY_FAILURE,
    RunOutcome.UNVERIFIED: OutcomeKind.STRATEGY_FAILURE,
    RunOutcome.LATE: OutcomeKind.STRATEGY_FAILURE,
}


class Blame(models.TextChoices):
    """Whose fault an output is that verification refused.  See blame.py for how it is decided."""

    UNDECIDED = "undecided", _("not known until legacy has run")
    CAPTURE = "capture", _("the capture's: verification refuses what legacy makes of it as well")
    STRATEGY = "strategy", _("the strategy's")


# what it says of a strategy then; without a blame, what its outcome says
BLAME_KINDS: dict[Blame, OutcomeKind] = {
    Blame.UNDECIDED: OutcomeKind.UNDECIDED,
    Blame.CAPTURE: OutcomeKind.ODD_CAPTURE,
    Blame.STRATEGY: OutcomeKind.STRATEGY_FAILURE,
}


class JobStage(models.TextChoices):
    """What a running job is doing."""

    COPY = "copy", _("copying")
    READ = "read", _("reading")
    WRITE = "write", _("writing")
    VERIFY = "verify", _("verifying")
    STORE = "store", _("storing")


class CaptureOrigin(models.TextChoices):
    """Where a capture came from."""

    UPLOAD = "upload", _("uploaded")
    SAMPLE = "sample", _("sample")
