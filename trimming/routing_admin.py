"""Policies, breakers and the guard's lease in the admin: history and state, only read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, chip, moment, pretty_json, stored
from trimming.models import Breaker, GuardLease, RoutingPolicy
from trimming.policy import is_watched
from trimming.routing_choices import BreakerState, Mode
from trimming.routing_words import BREAKER_LOOKS, share_text

REASON = stored("reason", _("reason"))
PUBLISHED = moment("at", _("time"))
CHANGED = moment("changed_at", _("changed"))
PROBE_AFTER = moment("probe_after", _("next probe"))
EXPIRES = moment("expires_at", _("watched until"))


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(ReadOnlyAdmin):
    """All policies; they are published on the page about routing."""

    list_display = (
        "version",
        "mode",
        "to_scanning",
        "compared",
        "fence_epoch",
        "origin",
        "actor_name",
        PUBLISHED,
        REASON,
    )
    list_filter = ("mode", "origin", "stands_back", "guarded", "legacy_retired", "at")
    search_fields = ("=version", "actor_name", "reason")
    search_help_text = _("Version, who, or reason")
    date_hierarchy = "at"
    rows = (
        ("version", "fence_epoch"),
        ("mode", "to_scanning", "compared"),
        ("only_while_watched", "rollback_stands", "without_legacy"),
        ("origin", "actor_name", PUBLISHED),
        REASON,
        "salt",
    )

    @admin.display(description=_("share to scanning"), ordering="treatment_share")
    def to_scanning(self, policy: RoutingPolicy) -> str:
        """Show the share in percent, where the mode gives a share."""
        return share_text(policy.treatment_share) if policy.mode == Mode.AB_TEST else ""

    @admin.display(description=_("share compared"), ordering="shadow_share")
    def compared(self, policy: RoutingPolicy) -> str:
        """Show the share in percent."""
        return share_text(policy.shadow_share)

    @admin.display(description=_("only while watched"))
    def only_while_watched(self, policy: RoutingPolicy) -> str:
        """Say whether it is guarded; neither is a fault, so it is no red sign."""
        return _yes_or_no(policy.guarded)

    @admin.display(description=_("a rollback stands"))
    def rollback_stands(self, policy: RoutingPolicy) -> str:
        """Say whether a rollback stood while it was in force."""
        return _yes_or_no(policy.stands_back)

    @admin.display(description=_("legacy is retired"))
    def without_legacy(self, policy: RoutingPolicy) -> str:
        """Say whether nobody served what scanning failed on."""
        return _yes_or_no(policy.legacy_retired)


def _yes_or_no(value: bool) -> str:
    return gettext("yes") if value else gettext("no")


@admin.register(Breaker)
class BreakerAdmin(ReadOnlyAdmin):
    """The breaker of each strategy; its changes are in the audit log."""

    list_display = ("strategy", "state_chip", CHANGED, PROBE_AFTER, "good_probes")
    list_filter = ("state",)
    rows = (
        ("strategy", "state_chip", CHANGED),
        (PROBE_AFTER, "cooldown_seconds", "good_probes"),
        "failed_captures",
    )

    @admin.display(description=_("state"), ordering="state")
    def state_chip(self, breaker: Breaker) -> SafeString:
        """Show the state."""
        tone, shape, _label = BREAKER_LOOKS[BreakerState(breaker.state)]
        return chip((tone, shape), breaker.get_state_display())

    @admin.display(description=_("failed captures"))
    def failed_captures(self, breaker: Breaker) -> SafeString | str:
        """Show digests with the time of their newest failure, in seconds since 1970."""
        return pretty_json(breaker.failures)


@admin.register(GuardLease)
class GuardLeaseAdmin(ReadOnlyAdmin):
    """Until when somebody watches."""

    list_display = ("id", EXPIRES, "now")
    rows = ((EXPIRES, "now"),)

    @admin.display(description=_("watched now"))
    def now(self, lease: GuardLease) -> str:
        """Say whether somebody watches, by the database's clock."""
        return _yes_or_no(is_watched())
