"""A rollout with its attempts, phases and steps."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from config.models import AppendOnly
from migration.choices import ACTIVE, ROLLOUT_LOOKS, PhaseName, PhaseState, RolloutState
from trimming.choices import Look

if TYPE_CHECKING:
    from migration.conf import RolloutLimits

# the one place that an active rollout takes
SLOT = 1


class Rollout(models.Model):
    """Moving from legacy to scanning.  ``revision`` grows with each move: two are never at once."""

    name = models.CharField(_("name"), max_length=100)
    state = models.CharField(
        _("state"), max_length=32, choices=RolloutState, default=RolloutState.DRAFT, db_index=True
    )
    slot = models.PositiveSmallIntegerField(default=SLOT, editable=False)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    created_at = models.DateTimeField(_("made"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("made by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"],
                condition=Q(state__in=[state.value for state in ACTIVE]),
                name="at_most_one_rollout_is_active",
            )
        ]
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        default_permissions = ("view",)
        permissions = [
            ("operate_rollout", gettext_noop("Can start, pause and promote rollouts")),
            ("abort_rollout", gettext_noop("Can abort rollouts")),
            ("approve_phase", gettext_noop("Can approve the next phase of a rollout")),
            ("release_suspect", gettext_noop("Can release an output from quarantine")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def look(self) -> Look:
        """The tone and the shape of its state."""
        return ROLLOUT_LOOKS[RolloutState(self.state)]

    @property
    def attempt(self) -> Attempt:
        """The newest attempt; raises Attempt.DoesNotExist before the start."""
        return self.attempts.order_by("-number").select_related("rollout")[:1].get()

    def limits(self) -> RolloutLimits:
        """Return the limits in force for it: those of the configuration, and its own changes."""
        # settings are registered in the order of the apps, and models are imported before
        from migration.conf import RolloutLimits, rollout_limits

        newest = self.limit_versions.filter(approved__isnull=False).order_by("-number").first()
        values: dict[str, Any] = {} if newest is None else newest.values
        return RolloutLimits(**{**rollout_limits().model_dump(), **values})


class LimitsVersion(AppendOnly):
    """A change of a rollout's limits.

    It is in force when another person has approved it, having seen what it would have done.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="limit_versions")
    number = models.PositiveIntegerField(_("number"))
    # settings of the section "rollout" that differ from the configuration
    values = models.JSONField(_("values"), default=dict)
    reason = models.CharField(_("reason"), max_length=500)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    author_name = models.CharField(_("name"), max_length=150)
    at = models.DateTimeField(_("time"))

    class Meta:
        ordering = ["rollout", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "number"], name="limits_version_is_unique")
        ]
        verbose_name = _("version of limits")
        verbose_name_plural = _("versions of limits")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.rollout_id}/{self.number}"

    def approve(self, actor: AbstractBaseUser | AnonymousUser | None, now: datetime) -> None:
        """Put the change in force; who may is asked by the caller."""
        LimitsApproval.objects.create(
            version=self,
            actor_id=None if actor is None else actor.pk,
            actor_name="" if actor is None else actor.get_username(),
            at=now,
        )


class BackTest(AppendOnly):
    """What a change of limits would have done over the looks that are stored.

    It takes seconds, so it is made in the background; without it a change cannot be approved.
    ``result`` is what ``migration.back_test.over_stored`` returns.
    """

    version = models.OneToOneField(
        LimitsVersion, on_delete=models.PROTECT, primary_key=True, related_name="back_test"
    )
    at = models.DateTimeField(_("time"))
    result = models.JSONField(_("result"))

    class Meta:
        verbose_name = _("back-test of limits")
        verbose_name_plural = _("back-tests of limits")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.version_id}"


class LimitsApproval(AppendOnly):
    """Somebody approved a change of limits."""

    version = models.OneToOneField(
        LimitsVersion, on_delete=models.PROTECT, primary_key=True, related_name="approved"
    )
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
        verbose_name = _("approval of limits")
        verbose_name_plural = _("approvals of limits")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.version_id}"


class Attempt(models.Model):
    """One walk through the phases, with a salt and an evidence of its own.

    ``tally`` is gates.tally.Tally as JSON, ``baseline`` gates.tally.Baseline; ``revision`` grows
    with each counting, so that nothing is counted twice.
    """

    rollout = models.ForeignKey(Rollout, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveIntegerField(_("number"))
    salt = models.CharField(_("salt"), max_length=64)
    # the versions of the strategies that the evidence is of; empty until one was seen
    control_version = models.CharField(_("version of legacy"), max_length=32, blank=True)
    treatment_version = models.CharField(_("version of scanning"), max_length=32, blank=True)
    new_build = models.CharField(_("new version"), max_length=100, blank=True)
    first_policy = models.PositiveIntegerField(_("first policy"))
    tally = models.JSONField(_("counted"), default=dict)
    baseline = models.JSONField(_("baseline"), null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)
    # runs that ended and comparisons up to here are counted, but for late commits
    counted_until = models.DateTimeField(_("counted until"))
    # evidence was in favour of scanning, or neutral, for the last time
    clean_at = models.DateTimeField(_("last clean"))
    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    # why it ended: the rule that rolled it back, or a word
    cause = models.CharField(_("cause"), max_length=64, blank=True)
    # what was served since then is suspect; None while nothing is
    suspect_since = models.DateTimeField(_("suspect since"), null=True, blank=True)
    are_suspects_listed = models.BooleanField(_("suspects are listed"), default=False)

    class Meta:
        ordering = ["rollout", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "number"], name="attempt_is_unique")
        ]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.rollout_id}/{self.number}"

    @property
    def phase(self) -> Phase:
        """The phase that it is in: the last one that has begun."""
        begun = self.phases.exclude(state=PhaseState.PENDING).select_related("attempt__rollout")
        return begun.order_by("-number")[:1].get()


class Phase(models.Model):
    """One of the five phases of an attempt."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="phases")
    name = models.CharField(_("phase"), max_length=32, choices=PhaseName)
    number = models.PositiveSmallIntegerField(_("number"))
    state = models.CharField(
        _("state"), max_length=32, choices=PhaseState, default=PhaseState.PENDING
    )
    # the least time by the limits, as it was when the attempt began
    planned_seconds = models.FloatField(_("planned, in s"))
    started_at = models.DateTimeField(_("began"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        ordering = ["attempt", "number"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "number"], name="phase_is_unique")
        ]
        verbose_name = _("phase")
        verbose_name_plural = _("phases")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.attempt_id}/{self.number}"

    @property
    def step(self) -> Step:
        """The step that it is in."""
        return self.steps.order_by("-number").select_related("phase__attempt__rollout")[:1].get()


class Step(models.Model):
    """One share of a phase.  Runs belong to it by the version of the policy."""

    phase = models.ForeignKey(Phase, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveSmallIntegerField(_("number"))
    share = models.FloatField(_("share to scanning"))
    # the newest one that was published for it
    policy_version = models.PositiveIntegerField(_("policy"))
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    paused_seconds = models.FloatField(_("paused, in s"), default=0.0)

    class Meta:
        ordering = ["phase", "number"]
        constraints = [models.UniqueConstraint(fields=["phase", "number"], name="step_is_unique")]
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.phase_id}/{self.number}"


class StepPolicy(AppendOnly):
    """A policy that was published for a step: which step a run belongs to."""

    policy_version = models.PositiveIntegerField(_("policy"), primary_key=True)
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="policies")
    is_drill = models.BooleanField(_("of a drill"), default=False)

    class Meta:
        verbose_name = _("policy of a step")
        verbose_name_plural = _("policies of steps")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.policy_version}"
