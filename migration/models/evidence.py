"""What was counted, looked at and decided."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from config.models import AppendOnly
from migration.choices import ApprovalState, GateVerdict, Move, PhaseState, RolloutState
from migration.models.rollouts import Attempt, Phase, Rollout, Step
from trimming.models import OfflineTest, Shadow, TrimRun


class ServedCapture(models.Model):
    """A capture that an attempt has given to an arm: the unit of its rules.

    ``run`` is its first run that ended, which counts; ``due_at`` is when it should have one.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="served")
    digest = models.CharField(_("SHA-256"), max_length=64)
    on_treatment = models.BooleanField(_("given to scanning"))
    share = models.FloatField(_("share to scanning"))
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    is_settled = models.BooleanField(_("its time is over"), default=False)
    run = models.ForeignKey(
        TrimRun, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    failed = models.BooleanField(_("the strategy failed"), default=False)
    # verification refused what treatment made, and control has not answered yet
    is_undecided = models.BooleanField(_("waits for legacy"), default=False, db_default=False)
    # verification refused what treatment made, and not what control made
    leaked = models.BooleanField(_("a leak"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "digest"], name="capture_is_served_once")
        ]
        indexes = [
            models.Index(fields=["attempt", "is_settled", "due_at"], name="served_due"),
            models.Index(
                fields=["attempt"],
                condition=models.Q(is_undecided=True),
                name="served_undecided",
            ),
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.digest[:12]}"


class ComparedCapture(models.Model):
    """A capture whose first comparison an attempt has counted."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="compared")
    digest = models.CharField(_("SHA-256"), max_length=64)
    shadow = models.ForeignKey(Shadow, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "digest"], name="capture_is_compared_once")
        ]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.digest[:12]}"


class Evaluation(models.Model):
    """One look at a rollout, whole: a decision can be recomputed, and a threshold back-tested.

    Kept when its answer differs from the one before, and once a minute.
    """

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="evaluations")
    at = models.DateTimeField(_("time"), db_index=True)
    # decision.Situation and its results as JSON
    situation = models.JSONField(_("situation"))
    results = models.JSONField(_("results"))
    verdict = models.CharField(_("verdict"), max_length=16, choices=GateVerdict)
    move = models.CharField(_("move"), max_length=32, choices=Move, blank=True)
    rule = models.CharField(_("rule"), max_length=64, blank=True)
    reason = models.TextField(_("reason"))

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.verdict}"


class Decision(AppendOnly):
    """One move, with everything that is needed to recompute it."""

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="decisions")
    attempt = models.ForeignKey(
        Attempt, null=True, on_delete=models.PROTECT, related_name="decisions"
    )
    phase = models.ForeignKey(Phase, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("time"), db_index=True)
    move = models.CharField(_("move"), max_length=32, choices=Move)
    reason = models.TextField(_("reason"))
    rule = models.CharField(_("rule"), max_length=64, blank=True)
    # empty where the rollout moved by itself
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    actor_name = models.CharField(_("name"), max_length=150)
    is_automatic = models.BooleanField(_("by itself"))
    state_before = models.CharField(_("before"), max_length=32, choices=RolloutState)
    state_after = models.CharField(_("after"), max_length=32, choices=RolloutState)
    phase_before = models.CharField(
        _("phase before"), max_length=32, choices=PhaseState, blank=True
    )
    phase_after = models.CharField(_("phase after"), max_length=32, choices=PhaseState, blank=True)
    policy_version = models.PositiveIntegerField(_("policy"), null=True, blank=True)
    # decision.Situation and the results of its rules; empty before the first look
    situation = models.JSONField(_("situation"), null=True, blank=True)
    results = models.JSONField(_("results"), default=list)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.pk} {self.move}"


class Approval(models.Model):
    """A request to let the next phase begin.  ``evaluation`` is what it was asked with."""

    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="approvals")
    state = models.CharField(
        _("state"), max_length=16, choices=ApprovalState, default=ApprovalState.WAITING
    )
    requested_at = models.DateTimeField(_("requested"))
    # empty where the rollout asked by itself; whoever started it may approve all the same
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("requested by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    expires_at = models.DateTimeField(_("expires"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("decided by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    situation = models.JSONField(_("situation"))
    results = models.JSONField(_("results"))

    class Meta:
        ordering = ["-requested_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["step"],
                condition=models.Q(state=ApprovalState.WAITING.value),
                name="one_request_waits_per_step",
            )
        ]
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.step_id} {self.state}"


class ImportedEvidence(AppendOnly):
    """An offline test that counts for the mismatch bound, for half of what is needed at most."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="imported")
    offline_test = models.ForeignKey(OfflineTest, on_delete=models.PROTECT, related_name="+")
    matched = models.PositiveIntegerField(_("matched"))
    mismatched = models.PositiveIntegerField(_("mismatched"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    actor_name = models.CharField(_("name"), max_length=150)
    at = models.DateTimeField(_("time"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["attempt", "offline_test"], name="test_is_imported_once"
            )
        ]
        verbose_name = _("imported evidence")
        verbose_name_plural = _("imported evidence")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.attempt_id} {self.offline_test_id}"


class EvidenceArchive(AppendOnly):
    """Baseline and evidence of an attempt as they were when its last phase began."""

    attempt = models.OneToOneField(Attempt, on_delete=models.PROTECT, related_name="archive")
    at = models.DateTimeField(_("time"))
    baseline = models.JSONField(_("baseline"), null=True)
    tally = models.JSONField(_("counted"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)

    class Meta:
        verbose_name = _("archived evidence")
        verbose_name_plural = _("archived evidence")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.attempt_id}"
