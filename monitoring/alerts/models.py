"""Alerts as rows: rules of operators, alerts with their steps, what is told to whom, silences."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.values import OPEN, AlertState, TellingState

MAX_REASON_CHARACTERS: Final = 300
# of AlertClock
CLOCK_ROW: Final = 1
# why a dead letter is not told of any more
PUT_ASIDE: Final = "put_aside"


class Comparison(models.TextChoices):
    """When the value of a rule is wrong."""

    ABOVE = "above", _("above")
    BELOW = "below", _("below")


class RuleMode(models.TextChoices):
    """What a rule does."""

    DRY = "dry", _("Dry run")
    ON = "on", _("On")
    OFF = "off", _("Off")


class AlertRule(models.Model):
    """A rule that somebody added: a metric that is above or below a threshold for a time."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    # a key of the samples: the name of a metric, with its arm where it has arms
    metric = models.CharField(_("metric"), max_length=100)
    comparison = models.CharField(_("is"), max_length=8, choices=Comparison)
    threshold = models.FloatField(_("threshold"))
    for_seconds = models.FloatField(_("for, in s"), default=300.0)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    action = models.CharField(_("what to do"), max_length=MAX_REASON_CHARACTERS, blank=True)
    mode = models.CharField(_("mode"), max_length=4, choices=RuleMode, default=RuleMode.DRY)
    # how often it would have fired when it was saved, in so many days
    back_test_count = models.PositiveIntegerField(_("would have fired"))
    back_test_days = models.FloatField(_("in days"))
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering = ["name"]
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> str:
        """Its name among all rules."""
        return f"own_{self.pk}"


class Alert(models.Model):
    """One episode of one fingerprint: from when its condition held to its resolution.

    Columns are those of alerts.values.AlertFacts.
    """

    key = models.CharField(_("key"), max_length=40, primary_key=True)
    fingerprint = models.CharField(_("fingerprint"), max_length=16, db_index=True)
    rule = models.CharField(_("rule"), max_length=100)
    labels = models.JSONField(_("labels"), default=dict)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    state = models.CharField(_("state"), max_length=8, choices=AlertState)
    title = models.CharField(_("title"), max_length=200)
    sentence = models.TextField(_("sentence"))
    value = models.FloatField(_("value"), null=True)
    limit = models.FloatField(_("limit"), null=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    metric = models.CharField(_("metric"), max_length=100, blank=True)
    actions = models.JSONField(_("what to do"), default=list)
    runbook = models.CharField(_("section of the runbook"), max_length=100, blank=True)
    since = models.DateTimeField(_("since"))
    seen_at = models.DateTimeField(_("last seen"))
    hold_seconds = models.FloatField(_("holds, in s"), default=0.0)
    is_dry = models.BooleanField(_("dry run"), default=False)
    at_once = models.BooleanField(_("told at once"), default=False)
    fired_at = models.DateTimeField(_("fired"), null=True)
    cleared_at = models.DateTimeField(_("cleared"), null=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, db_index=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=150, blank=True)
    note = models.CharField(_("note"), max_length=MAX_REASON_CHARACTERS, blank=True)
    level = models.PositiveSmallIntegerField(_("support level"), default=1)
    told = models.JSONField(_("told on"), default=list)
    told_at = models.DateTimeField(_("first told"), null=True)
    repeat_at = models.DateTimeField(_("told again"), null=True)
    rounds = models.PositiveIntegerField(_("told anew"), default=0)
    firings = models.JSONField(_("fired lately"), default=list)
    muted = models.CharField(_("muted by"), max_length=120, blank=True)
    report = models.ForeignKey(
        "monitoring.HealthReport",
        verbose_name=_("raised by the health check"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="alerts",
    )

    class Meta:
        ordering = ["-since", "key"]
        indexes = [
            models.Index(fields=["state"], condition=Q(state__in=OPEN), name="alert_open"),
            models.Index(fields=["fired_at"], name="alert_fired"),
        ]
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        default_permissions = ("view",)
        permissions = [
            ("acknowledge_alert", gettext_noop("Can acknowledge alerts")),
            ("silence_alerts", gettext_noop("Can silence alerts")),
        ]

    def __str__(self) -> str:
        return self.title


class AlertStep(models.Model):
    """What the pipeline, or a person, did with an alert, and why.  Never changed."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="steps")
    at = models.DateTimeField(_("time"))
    stage = models.CharField(_("stage"), max_length=20)
    what = models.CharField(_("what"), max_length=20)
    details = models.JSONField(_("details"), default=dict)

    class Meta:
        ordering = ["at", "id"]
        verbose_name = _("step of an alert")
        verbose_name_plural = _("steps of alerts")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.stage} {self.what}"


class NotificationState(models.TextChoices):
    """What became of a message."""

    PENDING = "pending", _("Waiting")
    SENT = "sent", _("Sent")
    # in the digest of a backlog, or its channel was switched off
    SUPPRESSED = "suppressed", _("Suppressed")
    DEAD = "dead", _("Dead letter")


class Notification(models.Model):
    """A message on its way to one channel.

    ``body`` is the Message as plain values; addresses are added when it is sent.
    """

    # the idempotency key
    key = models.CharField(_("key"), max_length=32, primary_key=True)
    channel = models.CharField(_("channel"), max_length=40)
    kind = models.CharField(_("kind"), max_length=12)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    at = models.DateTimeField(_("made"), db_index=True)
    body = models.JSONField(_("message"))
    state = models.CharField(
        _("state"), max_length=10, choices=NotificationState, default=NotificationState.PENDING
    )
    why = models.CharField(_("why"), max_length=16, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"))
    claimed_by = models.CharField(_("claimed by"), max_length=128, blank=True)
    claimed_until = models.DateTimeField(_("claimed until"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    took_ms = models.FloatField(_("took, in ms"), null=True)
    # what the receiver said, or why it was not taken
    answer = models.CharField(_("answer"), max_length=MAX_REASON_CHARACTERS, blank=True)
    # why it was not taken the last time, also when it was taken later
    error = models.CharField(_("last error"), max_length=MAX_REASON_CHARACTERS, blank=True)
    error_at = models.DateTimeField(_("time of the last error"), null=True)
    digest = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="digested"
    )

    class Meta:
        ordering = ["-at", "key"]
        indexes = [
            models.Index(
                fields=["channel", "at"],
                condition=Q(state=NotificationState.PENDING),
                name="notification_pending",
            ),
            models.Index(fields=["state", "ended_at"], name="notification_ended"),
            models.Index(
                fields=["channel", "error_at"],
                condition=Q(error_at__isnull=False),
                name="notification_error",
            ),
            models.Index(
                fields=["channel", "at"],
                condition=Q(kind=MessageKind.TEST.value),
                name="notification_test",
            ),
        ]
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        default_permissions = ("view",)
        permissions = [("test_channels", gettext_noop("Can preview and test channels"))]

    def __str__(self) -> str:
        return f"{self.channel} {self.kind} {self.key}"


class AlertTelling(models.Model):
    """One alert to be told on one channel, once.  Columns are those of alerts.values.Telling."""

    key = models.CharField(_("key"), max_length=120, primary_key=True)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="tellings")
    channel = models.CharField(_("channel"), max_length=40)
    kind = models.CharField(_("kind"), max_length=12)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    created_at = models.DateTimeField(_("made"), db_index=True)
    level = models.PositiveSmallIntegerField(_("support level"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=TellingState)
    why = models.CharField(_("why"), max_length=16, blank=True)
    notification = models.ForeignKey(
        Notification, null=True, blank=True, on_delete=models.SET_NULL, related_name="tellings"
    )

    class Meta:
        ordering = ["created_at", "key"]
        indexes = [
            models.Index(
                fields=["state"],
                condition=Q(state=TellingState.WAITING),
                name="telling_waiting",
            ),
            models.Index(
                fields=["why"],
                condition=Q(state=TellingState.SUPPRESSED, why="rate", notification=None),
                name="telling_undigested",
            ),
        ]
        verbose_name = _("telling")
        verbose_name_plural = _("tellings")
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


class Silence(models.Model):
    """A silence or a maintenance window: whom it concerns, why, and from when to when."""

    # names with patterns: rule, severity, or a label
    matchers = models.JSONField(_("matchers"))
    owner = models.CharField(_("owner"), max_length=150)
    reason = models.CharField(_("reason"), max_length=MAX_REASON_CHARACTERS)
    begins = models.DateTimeField(_("begins"))
    ends = models.DateTimeField(_("ends"), db_index=True)
    made_at = models.DateTimeField(_("made"))
    reminded = models.BooleanField(_("reminded"), default=False)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    class Meta:
        ordering = ["-ends", "-id"]
        verbose_name = _("silence")
        verbose_name_plural = _("silences")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.pk} {self.reason}"


class AlertClock(models.Model):
    """When the monitor last looked, and who stands in for it.  One row, held by whoever looks."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(_("looked"), null=True)
    by = models.CharField(_("who"), max_length=128, blank=True)
    # grows with every change of what the pipeline remembers
    version = models.PositiveBigIntegerField(_("version"), default=0)
    stands_in = models.CharField(_("stands in"), max_length=128, blank=True)
    stood_in_at = models.DateTimeField(_("stood in"), null=True)

    class Meta:
        verbose_name = _("look at alerts")
        verbose_name_plural = _("looks at alerts")
        default_permissions = ()

    def __str__(self) -> str:
        return self.by


def note_change() -> None:
    """Have the pipeline read its rows anew, in the transaction of whoever changed them."""
    AlertClock.objects.filter(pk=CLOCK_ROW).update(version=F("version") + 1)
