"""Mail with reports: what arrives at a real server, and what is done when it is not taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from config.current import forget
from monitoring.reports import documents
from monitoring.reports.choices import MailState
from monitoring.reports.mailing import CLAIM, claim, mail_again, mail_waiting
from monitoring.reports.making import make_due
from monitoring.reports.models import Report
from tests.monitoring.channels.mail_server import MailServer, mail_server
from tests.monitoring.channels.test_email import part, read, squeezed
from tests.monitoring.reports.month import make_alerts, make_checks, make_measures, make_work

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
NOW = MONDAY + DAY + timedelta(hours=6, minutes=5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Give a server that the settings lead to."""
    with mail_server() as running:
        for key, value in {
            "REPORTS__RECEIVERS": "one@example.org, two@example.org",
            "REPORTS__ZONE": "Europe/Berlin",
            "REPORTS__WEEKLY": "false",
            "EMAIL__SENDER": "pktmask@example.org",
            "EMAIL__HOST": "127.0.0.1",
            "EMAIL__PORT": str(running.port),
            "EMAIL__SECURITY": "none",
            "CONSOLE__PUBLIC_URL": "https://pktmask.example.org",
        }.items():
            monkeypatch.setenv(f"PKTMASK_{key}", value)
        yield running


@pytest.fixture
def drawn_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures be quick where nobody looks at them."""
    monkeypatch.setattr(documents, "png", lambda *_: b"a picture")


def made_report() -> Report:
    begin = MONDAY - timedelta(hours=1)
    make_measures(begin, begin + DAY)
    make_work(begin, begin + DAY, 60)
    make_checks(begin, begin + DAY, timedelta(minutes=1), begin + timedelta(hours=3))
    make_alerts(begin, begin + DAY, 5)
    report = make_due(NOW)[-1]
    assert report.mail_state == MailState.WAITING
    return report


def state(report: Report) -> tuple[str, str]:
    report.refresh_from_db()
    return report.mail_state, report.mail_answer


def test_what_arrives_is_text_html_and_pictures_inside(server: MailServer) -> None:
    report = made_report()
    assert mail_waiting(NOW) == 1
    assert state(report) == (MailState.SENT, "The mail server took it for 2.")
    assert report.mailed_at == NOW
    (envelope,) = server.got
    assert envelope.rcpt_tos == ["one@example.org", "two@example.org"]
    mail = server.mail()
    assert not list(mail.defects)
    assert mail["Subject"] == "PktMask: Daily report: Monday, 2 March 2026"
    assert mail["Auto-Submitted"] == "auto-generated"
    pictures = [each for each in mail.walk() if each.get_content_type() == "image/png"]
    ids = {str(each["Content-ID"]).strip("<>") for each in pictures}
    shown = read(part(mail, "text/html").get_content())
    assert {each.removeprefix("cid:") for each in shown.sources} == ids
    assert len(ids) == 3
    assert shown.links == [f"https://pktmask.example.org/reports/{report.pk}/"]


@pytest.mark.usefixtures("drawn_quickly")
def test_text_and_html_say_the_same(server: MailServer) -> None:
    made_report()
    mail_waiting(NOW)
    mail = server.mail()
    text = squeezed(part(mail, "text/plain").get_content())
    html = squeezed(" ".join(read(part(mail, "text/html").get_content()).said))
    for each in Report.objects.order_by("-end")[0].data:
        for said in (each["title"], each["said"], *(f["name"] for f in each["figures"])):
            assert said in text, said
            assert said in html, said
    assert "Times are by the clock of Europe/Berlin" in text


@pytest.mark.usefixtures("drawn_quickly")
def test_a_mail_loads_nothing_and_names_no_capture(server: MailServer) -> None:
    made_report()
    mail_waiting(NOW)
    content = server.got[0].content
    assert isinstance(content, bytes)
    html = part(server.mail(), "text/html").get_content()
    assert not re.search(r"<script|<link|src=\"http|url\(", html)
    text = part(server.mail(), "text/plain").get_content()
    assert "edge-fra" not in html + text


@pytest.mark.usefixtures("drawn_quickly")
def test_what_the_server_does_not_take_is_tried_again_with_the_same_id(server: MailServer) -> None:
    report = made_report()
    server.replies["DATA"] = "451 later"
    mail_waiting(NOW)
    assert state(report)[0] == MailState.WAITING
    assert "later" in report.mail_answer
    del server.replies["DATA"]
    mail_waiting(NOW + timedelta(minutes=10))
    assert state(report)[0] == MailState.SENT
    first = server.mail()["Message-ID"]
    assert mail_again(report, NOW + DAY)
    mail_waiting(NOW + DAY)
    assert [server.mail(n)["Message-ID"] for n in range(2)] == [first, first]
    assert report.mail_attempts == 2


@pytest.mark.usefixtures("drawn_quickly")
def test_what_is_not_taken_for_long_is_given_up_and_can_be_mailed_by_hand(
    server: MailServer,
) -> None:
    report = made_report()
    server.replies["DATA"] = "451 later"
    mail_waiting(NOW + timedelta(hours=23))
    assert state(report)[0] == MailState.WAITING
    assert not mail_again(report, NOW + timedelta(hours=23))
    mail_waiting(NOW + timedelta(hours=24))
    assert state(report)[0] == MailState.FAILED
    assert mail_waiting(NOW + timedelta(hours=25)) == 0
    server.replies.clear()
    assert mail_again(report, NOW + timedelta(hours=26))
    mail_waiting(NOW + timedelta(hours=26))
    assert state(report)[0] == MailState.SENT


@pytest.mark.usefixtures("drawn_quickly")
def test_what_the_server_refuses_for_good_is_not_tried_again(server: MailServer) -> None:
    report = made_report()
    server.replies["DATA"] = "554 no"
    mail_waiting(NOW)
    assert state(report)[0] == MailState.FAILED


@pytest.mark.usefixtures("drawn_quickly")
def test_without_receivers_nothing_is_sent(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = made_report()
    monkeypatch.setenv("PKTMASK_REPORTS__RECEIVERS", "")
    forget()
    mail_waiting(NOW)
    assert state(report) == (MailState.NONE, "The setting reports.receivers names nobody.")
    assert server.got == []


@pytest.mark.usefixtures("drawn_quickly")
def test_of_two_that_mail_at_once_one_does(server: MailServer) -> None:
    report = made_report()
    assert claim(report.pk, NOW) is not None
    assert claim(report.pk, NOW) is None
    assert mail_waiting(NOW) == 0
    # who was killed meanwhile leaves a claim that runs out
    assert mail_waiting(NOW + CLAIM) == 1


@pytest.mark.usefixtures("drawn_quickly")
def test_when_one_is_not_taken_the_others_wait(server: MailServer) -> None:
    made_report()
    another = {"begin": MONDAY - 9 * DAY, "end": MONDAY - 8 * DAY}
    Report.objects.create(**{**Report.objects.values().get(), "id": None, **another})
    server.replies["DATA"] = "451 later"
    assert mail_waiting(NOW) == 1
    assert Report.objects.filter(mail_state=MailState.WAITING).count() == 2


def test_a_mail_that_cannot_be_built_says_where_and_never_what(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = made_report()

    def fails(*_: Any) -> Any:
        raise RuntimeError("payload that must not be told")

    monkeypatch.setattr("monitoring.reports.mailing.mail_texts", fails)
    mail_waiting(NOW)
    found, answer = state(report)
    assert found == MailState.WAITING
    assert answer.startswith("RuntimeError at ")
    assert "payload" not in answer


def test_a_picture_that_cannot_be_drawn_costs_only_itself(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_report()

    def fails(*_: Any) -> Any:
        raise RuntimeError("no ink")

    monkeypatch.setattr(documents, "png", fails)
    mail_waiting(NOW)
    mail = server.mail()
    assert isinstance(mail, EmailMessage)
    assert [each for each in mail.walk() if each.get_content_type() == "image/png"] == []
    assert read(part(mail, "text/html").get_content()).sources == []
