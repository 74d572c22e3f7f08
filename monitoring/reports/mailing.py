"""Mailing reports: at least once, with the same Message-ID however often, until it is given up."""

from __future__ import annotations

import email.utils
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from config.faults import type_and_place
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import email_settings, listed, message_settings
from monitoring.reports.choices import MailState
from monitoring.reports.conf import report_settings
from monitoring.reports.documents import mail_texts, subject_of
from monitoring.reports.models import MAX_ANSWER_CHARACTERS, Report

log = structlog.get_logger("pktmask.reports")

# who is killed while it sends leaves a claim that runs out
CLAIM: Final = timedelta(minutes=15)


def mail_waiting(now: datetime) -> int:
    """Mail what waits, the oldest first; return how many were tried.

    When the server takes one not at all, the others wait for the next time as well.
    """
    tried = 0
    rows = Report.objects.filter(mail_state=MailState.WAITING).order_by("end", "kind")
    for pk in list(rows.values_list("pk", flat=True)):
        report = claim(pk, now)
        if report is None:
            continue
        tried += 1
        if not mail(report, now):
            break
    return tried


def mail_again(report: Report, now: datetime) -> bool:
    """Have a report mailed, also once more; False when it waits for that already."""
    rows = Report.objects.filter(pk=report.pk).exclude(mail_state=MailState.WAITING)
    wanted = {"mail_state": MailState.WAITING, "mail_since": now, "mail_attempts": 0}
    return bool(rows.update(**wanted, mail_claimed_until=None, mail_answer=""))


def claim(pk: int, now: datetime) -> Report | None:
    """Take a report for mailing; None when somebody else was quicker."""
    free = Q(mail_claimed_until=None) | Q(mail_claimed_until__lte=now)
    mine = Report.objects.filter(free, pk=pk, mail_state=MailState.WAITING)
    if not mine.update(mail_claimed_until=now + CLAIM):
        return None
    return Report.objects.get(pk=pk)


def mail(report: Report, now: datetime) -> bool:
    """Send a claimed report and note what came of it; return whether it was taken."""
    state, answer = _tried(report)
    is_over = report.mail_since is None or now - report.mail_since >= _patience()
    if state is MailState.WAITING and is_over:
        state = MailState.FAILED
    facts = {
        "mail_state": state,
        "mail_answer": answer[:MAX_ANSWER_CHARACTERS],
        "mail_attempts": report.mail_attempts + 1,
        "mail_claimed_until": None,
    }
    if state is MailState.SENT:
        facts["mailed_at"] = now
    Report.objects.filter(pk=report.pk).update(**facts)
    log.info("report_mailed", report=report.pk, state=state.value)
    return state is not MailState.WAITING


def _patience() -> timedelta:
    return timedelta(hours=report_settings().give_up_hours)


def _tried(report: Report) -> tuple[MailState, str]:
    receivers = listed(report_settings().receivers)
    if not receivers:
        return MailState.NONE, _("The setting reports.receivers names nobody.")
    # what sends is imported by who sends
    from monitoring.channels.mail_transport import hand_over

    try:
        settings = email_settings()
        return MailState.SENT, hand_over(made(report, settings.sender), settings, receivers)
    except ChannelError as error:
        return MailState.FAILED if error.permanent else MailState.WAITING, str(error)
    except Exception as error:  # building a mail may fail in any way; its text may hold anything
        facts = type_and_place(error)
        log.error("report_not_mailed", report=report.pk, **facts)
        return MailState.WAITING, f"{facts['kind']} at {facts['place']}"


def made(report: Report, sender: str) -> EmailMultiAlternatives:
    """Return the mail: text and HTML that say the same, with the pictures inside."""
    from monitoring.channels.mail_transport import attach_inside

    domain = sender.rpartition("@")[2]
    key = f"{report.kind}.{report.begin:%Y%m%dT%H%M}"
    pictures: dict[str, bytes] = {}

    def source(name: str, picture: bytes) -> str:
        pictures[name] = picture
        return f"cid:{name}.{key}@{domain}"

    with translation.override(message_settings().language):
        subject = subject_of(report)
        text, html = mail_texts(report, source)
    found = EmailMultiAlternatives(
        subject,
        text,
        sender,
        list(listed(report_settings().receivers)),
        # RFC 3834 keeps answering machines silent, RFC 2919 lets receivers sort
        headers={
            "Message-ID": f"<report.{key}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Id": f"PktMask reports <reports.{domain}>",
            "Date": email.utils.format_datetime(report.made_at),
        },
    )
    found.attach_alternative(html, "text/html")
    for name, picture in pictures.items():
        attach_inside(found, picture, name, f"{name}.{key}@{domain}")
    return found
