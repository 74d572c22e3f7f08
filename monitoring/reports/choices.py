"""Closed vocabularies of reports, each value with its word."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.choices import Look


class ReportKind(models.TextChoices):
    """How long the time is that a report is about."""

    DAY = "day", _("Daily")
    WEEK = "week", _("Weekly")
    MONTH = "month", _("Monthly")


class MailState(models.TextChoices):
    """What became of the mail with a report."""

    NONE = "none", pgettext_lazy("mail", "Not mailed")
    WAITING = "waiting", pgettext_lazy("mail", "Waits to be mailed")
    SENT = "sent", pgettext_lazy("mail", "Mailed")
    FAILED = "failed", pgettext_lazy("mail", "Could not be mailed")


MAIL_LOOKS: Final[dict[MailState, Look]] = {
    MailState.NONE: Look("unknown", "na"),
    MailState.WAITING: Look("run", "wait"),
    MailState.SENT: Look("ok", "ok"),
    MailState.FAILED: Look("fail", "fail"),
}
