"""A report by mail and as a file in Chinese: nothing that has a translation is English."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from config.current import forget
from monitoring.reports import documents
from monitoring.reports.choices import ReportKind
from monitoring.reports.documents import as_html
from monitoring.reports.mailing import made
from monitoring.reports.making import make
from monitoring.reports.models import Report
from monitoring.reports.periods import starting
from tests.monitoring.channels.test_email import read
from tests.monitoring.chinese import CHINESE, english
from tests.monitoring.reports.month import make_alerts, make_checks, make_measures, make_work

pytestmark = pytest.mark.django_db
BERLIN: Final = ZoneInfo("Europe/Berlin")
DAY: Final = timedelta(days=1)
# what a check of another version said
OLD: Final = ("CPU is at 95 %, the limit is 90 %.",)


@pytest.fixture(autouse=True)
def _drawn_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "png", lambda *_: b"a picture")


@pytest.fixture
def report() -> Report:
    """Give a report of a week with everything in it."""
    period = starting(ReportKind.WEEK, date(2026, 3, 2), BERLIN)
    make_measures(period.begin, period.end)
    make_work(period.begin, period.end, 60)
    make_checks(period.begin, period.begin + DAY, timedelta(minutes=1), period.begin + DAY / 8)
    make_alerts(period.begin, period.end, 5)
    return make(period, period.end + DAY / 4)


def test_nothing_of_a_mail_is_english_that_has_a_translation(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_MESSAGES__LANGUAGE", CHINESE)
    monkeypatch.setenv("PKTMASK_CONSOLE__PUBLIC_URL", "https://pktmask.example.org")
    forget()
    mail = made(report, "pktmask@example.org")
    html = str(mail.alternatives[0][0])
    assert mail.subject == "PktMask：周报：第 10 周，3月2日 至 2026年3月8日"
    assert english([str(mail.subject), *mail.body.splitlines()], OLD) == []
    assert english(read(html).said, OLD) == []
    assert '<html lang="zh-hans">' in html


def test_nothing_of_a_file_is_english_that_has_a_translation(report: Report) -> None:
    with translation.override(CHINESE):
        assert english(read(as_html(report)).said, OLD) == []


def test_the_mail_of_a_report_keeps_its_name_in_another_language(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = []
    for language in ("en", CHINESE):
        monkeypatch.setenv("PKTMASK_MESSAGES__LANGUAGE", language)
        forget()
        mails.append(made(report, "pktmask@example.org"))
    english_mail, chinese_mail = mails
    assert english_mail.subject == "PktMask: Weekly report: week 10, 2 March to 8 March 2026"
    assert english_mail.extra_headers == chinese_mail.extra_headers


def test_a_page_in_chinese_changes_no_mail(report: Report) -> None:
    before = made(report, "pktmask@example.org")
    with translation.override(CHINESE):
        after = made(report, "pktmask@example.org")
    assert (after.subject, after.body) == (before.subject, before.body)
    assert after.alternatives == before.alternatives
