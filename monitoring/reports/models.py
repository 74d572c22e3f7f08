"""Reports as rows."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from monitoring.reports.choices import MAIL_LOOKS, MailState, ReportKind
from trimming.choices import Look

# of ``data``; a report of another one is kept and can be downloaded, but is not shown
FORMAT = 1
# a report whose time was measured for less says first of all that it was measured in part
WELL_MEASURED_SHARE = 0.95
MAX_ANSWER_CHARACTERS = 300


class Report(models.Model):
    """What was so in one period.  ``data`` is parts.Part of each part, as JSON.

    One that was made before its period was over (``is_whole``) is made anew until then.
    """

    kind = models.CharField(_("kind"), max_length=8, choices=ReportKind)
    begin = models.DateTimeField(_("begins"))
    end = models.DateTimeField(_("ends"), db_index=True)
    zone = models.CharField(_("time zone"), max_length=64)
    # it is about the time up to here
    until = models.DateTimeField(_("up to"))
    is_whole = models.BooleanField(_("its time is over"))
    made_at = models.DateTimeField(_("made"))
    # empty where it was made by the clock
    made_by = models.CharField(_("made by"), max_length=150, blank=True)
    version = models.PositiveSmallIntegerField(_("version of the format"), default=FORMAT)
    # share of the time for which there are samples
    measured_share = models.FloatField(_("measured"))
    data = models.JSONField(_("parts"), default=list)
    mail_state = models.CharField(
        _("mail"), max_length=8, choices=MailState, default=MailState.NONE
    )
    mail_since = models.DateTimeField(_("to be mailed since"), null=True, blank=True)
    mail_claimed_until = models.DateTimeField(_("is being mailed until"), null=True, blank=True)
    mail_attempts = models.PositiveIntegerField(_("attempts to mail it"), default=0)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    # what the mail server said, or why it was not taken
    mail_answer = models.CharField(_("answer"), max_length=MAX_ANSWER_CHARACTERS, blank=True)

    class Meta:
        ordering = ["-end", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "begin"], name="report_is_one_per_period")
        ]
        indexes = [
            models.Index(
                fields=["mail_since"],
                condition=models.Q(mail_state=MailState.WAITING),
                name="report_to_be_mailed",
            )
        ]
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        default_permissions = ("view",)
        permissions = [("make_report", gettext_noop("Can make reports now, and mail them again"))]

    def __str__(self) -> str:
        return f"{self.kind} {self.begin.astimezone(self.time_zone):%Y-%m-%d}"

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone by whose clock its period begins and ends."""
        return ZoneInfo(self.zone)

    @property
    def is_measured_in_part(self) -> bool:
        """Whether a good part of its time was not measured."""
        return 0 < self.measured_share < WELL_MEASURED_SHARE

    @property
    def mail_look(self) -> Look:
        """Tone and shape of what became of its mail."""
        return MAIL_LOOKS[MailState(self.mail_state)]
