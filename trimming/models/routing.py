"""How jobs are routed: policies, the lease of whoever watches, and breakers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from config.models import AppendOnly
from trimming.routing import Policy
from trimming.routing_choices import BreakerState, Mode, Origin


class RoutingPolicy(AppendOnly):
    """One policy.  The newest is in force; trimming.policy writes them and nothing else does."""

    version = models.PositiveIntegerField(_("version"), primary_key=True)
    # grows with an abort or rollback only: what was decided before it is not published after it
    fence_epoch = models.PositiveIntegerField(_("epoch"))
    mode = models.CharField(_("mode"), max_length=16, choices=Mode)
    treatment_share = models.FloatField(_("share to scanning"), default=0.0)
    shadow_share = models.FloatField(_("share compared"), default=0.0)
    salt = models.CharField(_("salt"), max_length=64)
    guarded = models.BooleanField(_("only while watched"), default=False)
    # a rollback stands until it is lifted or a rollout begins again
    stands_back = models.BooleanField(_("a rollback stands"), default=False)
    # nobody serves what scanning fails on; a rollback brings legacy back
    legacy_retired = models.BooleanField(_("legacy is retired"), default=False, db_default=False)
    origin = models.CharField(_("published by"), max_length=16, choices=Origin)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    actor_name = models.CharField(_("name"), max_length=150)
    reason = models.CharField(_("reason"), max_length=500)
    at = models.DateTimeField(_("time"))

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.CheckConstraint(
                condition=Q(treatment_share__range=(0, 1), shadow_share__range=(0, 1)),
                name="policy_shares_are_from_0_to_1",
            ),
            models.CheckConstraint(
                condition=Q(legacy_retired=False) | Q(mode=Mode.SCANNING),
                name="policy_retires_legacy_where_all_goes_to_scanning",
            ),
        ]
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policies")
        default_permissions = ("view",)
        permissions = [
            ("publish_policy", gettext_noop("Can publish a routing policy")),
            ("emergency_rollback", gettext_noop("Can send everything to legacy at once")),
        ]

    def __str__(self) -> str:
        return f"{self.version}"

    def as_policy(self) -> Policy:
        """Return the plain values that decisions look at."""
        return Policy(
            version=self.version,
            fence_epoch=self.fence_epoch,
            mode=Mode(self.mode),
            treatment_share=self.treatment_share,
            shadow_share=self.shadow_share,
            salt=self.salt,
            guarded=self.guarded,
            stands_back=self.stands_back,
            legacy_retired=self.legacy_retired,
        )


class GuardLease(models.Model):
    """Until when somebody watches, by the database's clock.  One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    expires_at = models.DateTimeField(_("watched until"))

    class Meta:
        verbose_name = _("guard lease")
        verbose_name_plural = _("guard leases")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.expires_at:%Y-%m-%d %H:%M:%S}"


class Breaker(models.Model):
    """Whether a strategy is given work, shared by all workers.  See trimming.breaker."""

    strategy = models.CharField(_("strategy"), max_length=64, primary_key=True)
    state = models.CharField(
        _("state"), max_length=16, choices=BreakerState, default=BreakerState.CLOSED
    )
    # digest of a capture to the time of its newest failure, as seconds since 1970
    failures = models.JSONField(_("failed captures"), default=dict, blank=True)
    changed_at = models.DateTimeField(_("changed"), null=True, blank=True)
    cooldown_seconds = models.FloatField(_("cooldown in seconds"), default=0.0)
    # when the next probe may be given
    probe_after = models.DateTimeField(_("next probe"), null=True, blank=True)
    good_probes = models.PositiveIntegerField(_("good probes"), default=0)

    class Meta:
        ordering = ["strategy"]
        verbose_name = _("breaker")
        verbose_name_plural = _("breakers")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.strategy}: {self.state}"
