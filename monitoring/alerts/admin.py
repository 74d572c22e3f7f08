"""Alerts, what was told, silences and rules in the admin: history that is only read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from config.admin_rows import ReadOnlyAdmin, moment, stored
from monitoring.alerts.models import Alert, AlertRule, Notification, Silence

TITLE = stored("title", _("title"))
SENTENCE = stored("sentence", _("sentence"))
ANSWER = stored("answer", _("answer"))
SINCE = moment("since", _("since"))
RESOLVED = moment("resolved_at", _("resolved"))
ACKNOWLEDGED = moment("acknowledged_at", _("acknowledged"))
MADE = moment("at", _("made"))
ENDED = moment("ended_at", _("ended"))
NEXT = moment("next_at", _("next attempt"))
BEGINS = moment("begins", _("begins"))
ENDS = moment("ends", _("ends"))
CHANGED = moment("changed_at", _("changed"))


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What fired."""

    list_display = (TITLE, "rule", "severity", "state", SINCE, RESOLVED)
    list_filter = ("severity", "state")
    search_fields = ("rule", "title", "key")
    date_hierarchy = "since"
    rows = (
        (TITLE, "severity", "state"),
        SENTENCE,
        ("rule", "labels", "fingerprint"),
        (SINCE, RESOLVED),
        (ACKNOWLEDGED, "acknowledged_by", "note"),
        ("level", "told", "muted"),
        "report",
    )


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """The outbox: what was sent, what waits, what was given up."""

    list_display = ("key", "channel", "kind", "severity", "state", "attempts", MADE, ENDED)
    list_filter = ("state", "channel", "kind")
    date_hierarchy = "at"
    rows = (
        ("key", "channel", "kind", "severity"),
        ("state", "why", "attempts"),
        (MADE, NEXT, ENDED, "took_ms"),
        ANSWER,
    )


@admin.register(Silence)
class SilenceAdmin(ReadOnlyAdmin):
    """Who silenced what, and why."""

    list_display = ("id", "matchers", "owner", "reason", BEGINS, ENDS)
    rows = (("matchers", "owner"), "reason", (BEGINS, ENDS), "ended_by")


@admin.register(AlertRule)
class AlertRuleAdmin(ReadOnlyAdmin):
    """The rules that operators added; they are changed on the page Alerts, after a back-test."""

    list_display = ("name", "metric", "comparison", "threshold", "severity", "mode", CHANGED)
    rows = (
        ("name", "severity", "mode"),
        ("metric", "comparison", "threshold", "for_seconds"),
        "action",
        ("back_test_count", "back_test_days"),
        (CHANGED, "changed_by"),
    )
