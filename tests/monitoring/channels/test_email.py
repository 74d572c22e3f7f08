"""E-mail: what arrives at a real server, and what its answers mean."""

from __future__ import annotations

import base64
import email
import email.policy
import html
import io
import re
import ssl
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser

import matplotlib.image
import pytest
from hypothesis import given, settings

from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.channels import email as email_channel
from monitoring.channels import words
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import EmailSettings
from monitoring.channels.email import EmailChannel, receivers_of
from tests.monitoring.channels.mail_server import MailServer, mail_server, raw_server
from tests.monitoring.channels.messages import any_message, firing, line
from tests.monitoring.channels.receivers import free_port

RECEIVERS = ["one@example.org", "two@example.org"]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


def failure(settings: EmailSettings) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        EmailChannel(settings).send(firing())
    return caught.value


def part(mail: EmailMessage, kind: str) -> EmailMessage:
    (found,) = [each for each in mail.walk() if each.get_content_type() == kind]
    assert isinstance(found, EmailMessage)
    return found


class Reader(HTMLParser):
    """Reads HTML as a person does: texts, addresses of links, what pictures show."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in ("style", "title")
        found = dict(attrs)
        if tag == "a":
            self.links.append(found["href"] or "")
        if tag == "img":
            self.sources.append(found["src"] or "")
            self.said.append(found["alt"] or "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.said.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_what_arrives_is_text_html_and_a_picture(server: MailServer) -> None:
    said = EmailChannel(server.settings()).send(firing())
    assert said == "The mail server took it for 2."
    (envelope,) = server.got
    assert envelope.mail_from == "pktmask@example.org"
    assert envelope.rcpt_tos == RECEIVERS
    mail = server.mail()
    assert not list(mail.defects)
    kinds = [each.get_content_type() for each in mail.walk()]
    assert kinds == [
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]
    assert mail["Subject"] == "[PktMask] Firing, critical: CPU above 90 %"
    assert mail["From"] == "pktmask@example.org"
    assert mail["To"] == "one@example.org, two@example.org"


def test_the_picture_decodes_and_the_html_shows_it(server: MailServer) -> None:
    EmailChannel(server.settings()).send(firing())
    picture = part(server.mail(), "image/png")
    pixels = matplotlib.image.imread(io.BytesIO(picture.get_content()), format="png")
    assert pixels.shape[:2] == (360, 1120)
    (source,) = read(part(server.mail(), "text/html").get_content()).sources
    assert f"<{source.removeprefix('cid:')}>" == picture["Content-ID"]
    assert picture.get_content_disposition() == "inline"


def test_nothing_is_loaded_from_elsewhere(server: MailServer) -> None:
    EmailChannel(server.settings()).send(firing())
    text = part(server.mail(), "text/html").get_content()
    without_links = re.sub(r'href="[^"]*"', "", text)
    assert "http" not in without_links
    assert "<script" not in text
    assert "url(" not in text


def facts(message: Message) -> list[str]:
    """Return all that a message says, piece by piece."""
    message = words.tidy(message)
    found = [message.title, message.summary, *message.actions, *words.footer(message)]
    for each in words.told(message, email_channel.MAX_ALERTS):
        found += [each.title, each.sentence, each.details]
    found.append(words.left_out(message, email_channel.MAX_ALERTS))
    if message.picture is not None:
        found.append(words.pictured(message.picture))
    return [squeezed(each) for each in found if each]


@settings(max_examples=40)
@given(any_message)
def test_text_and_html_of_any_message_say_the_same_facts(message: Message) -> None:
    shown = EmailChannel(EmailSettings()).preview(replace(message, picture=None))
    text, reader = squeezed(shown["text/plain"]), read(shown["text/html"])
    said = squeezed(" ".join(reader.said))
    for fact in facts(replace(message, picture=None)):
        assert fact in text
        assert fact in said
    for link in words.links(message):
        assert link.address in text
        assert link.address in reader.links


def test_the_words_of_the_picture_are_in_both_parts(server: MailServer) -> None:
    EmailChannel(server.settings()).send(firing())
    words_of_it = "CPU of the machine (%): from 40 to 100, at last 100. The limit is 90."
    assert words_of_it in part(server.mail(), "text/plain").get_content()
    said = read(part(server.mail(), "text/html").get_content()).said
    assert said.count(words_of_it) == 1
    assert "Chart: CPU of the machine" in said


@settings(max_examples=25)
@given(any_message)
def test_any_message_can_be_written_as_a_mail(message: Message) -> None:
    made = email_channel._mail(replace(message, picture=None), "a@example.org", ("b@example.org",))
    content = made.message().as_bytes()
    parsed = email.message_from_bytes(content, policy=email.policy.default)
    assert parsed.get_content_type() == "multipart/alternative"
    assert parsed["To"] == "b@example.org"
    assert "\n" not in parsed["Subject"]


def test_headers_tell_programs_what_it_is(server: MailServer) -> None:
    EmailChannel(server.settings()).send(firing())
    mail = server.mail()
    assert mail["X-PktMask-Key"] == "firing-0001"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Id"] == "PktMask alerts <alerts.example.org>"
    assert (mail["Importance"], mail["X-Priority"]) == ("high", "1")
    assert mail["Date"] == "Sun, 29 Nov 2026 07:31:05 +0000"


@pytest.mark.parametrize(
    "message",
    [
        replace(firing(), severity=Severity.HIGH),
        replace(firing(), kind=MessageKind.RESOLVED),
    ],
)
def test_only_what_is_critical_and_not_over_is_important(
    server: MailServer, message: Message
) -> None:
    EmailChannel(server.settings()).send(message)
    assert server.mail()["Importance"] is None


def test_a_second_sending_has_the_same_message_id_another_message_another(
    server: MailServer,
) -> None:
    channel = EmailChannel(server.settings())
    for message in (firing(), firing(), replace(firing(), key="firing-0002")):
        channel.send(message)
    first, second, other = (server.mail(number)["Message-ID"] for number in range(3))
    assert first == second != other
    assert server.mail(0)["X-PktMask-Key"] == server.mail(1)["X-PktMask-Key"]
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", first)


def test_all_that_is_said_of_one_alert_is_one_thread(server: MailServer) -> None:
    channel = EmailChannel(server.settings())
    alone = replace(firing(), alerts=(line(1),))
    channel.send(alone)
    channel.send(replace(alone, key="resolved-0001", kind=MessageKind.RESOLVED))
    channel.send(firing())
    first, second, of_two = (server.mail(number)["References"] for number in range(3))
    assert first == second is not None
    assert of_two is None


def test_support_levels_add_receivers_each_once(server: MailServer) -> None:
    found = server.settings(
        level_2_receivers="lead@example.org", level_3_receivers="head@example.org, one@example.org"
    )
    assert receivers_of(found, 1) == ("one@example.org", "two@example.org")
    assert receivers_of(found, 2) == (*RECEIVERS, "lead@example.org")
    assert receivers_of(found, 3) == (*RECEIVERS, "lead@example.org", "head@example.org")
    EmailChannel(found).send(firing())  # of level 2
    assert server.got[0].rcpt_tos == [*RECEIVERS, "lead@example.org"]


def test_a_line_break_in_a_title_adds_no_header(server: MailServer) -> None:
    EmailChannel(server.settings()).send(replace(firing(), title="a\r\nBcc: evil@example.org"))
    mail = server.mail()
    assert mail["Bcc"] is None
    assert mail["Subject"].endswith("a Bcc: evil@example.org")


def test_what_somebody_wrote_is_no_html(server: MailServer) -> None:
    EmailChannel(server.settings()).send(replace(firing(), title="<b>&amp;</b><script>"))
    text = part(server.mail(), "text/html").get_content()
    assert html.escape("<b>&amp;</b><script>") in text
    assert "<script>" not in text


def test_a_message_does_not_wait_for_a_picture_that_cannot_be_drawn(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_picture: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(email_channel, "png", broken)
    EmailChannel(server.settings()).send(firing())
    mail = server.mail()
    assert mail.get_content_type() == "multipart/alternative"
    assert "CPU of the machine (%): from 40" in part(mail, "text/html").get_content()


def test_a_preview_shows_both_parts_with_the_picture_in_the_html() -> None:
    shown = EmailChannel(EmailSettings()).preview(firing())
    assert shown["text/plain"].startswith("[PktMask] Firing, critical: CPU above 90 %\n")
    (source,) = read(shown["text/html"]).sources
    start = "data:image/png;base64,"
    assert source.startswith(start)
    assert base64.b64decode(source.removeprefix(start)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("replies", "permanent", "said"),
    [
        (dict.fromkeys(RECEIVERS, "550 5.1.1 no such user"), True, "refused all receivers"),
        (dict.fromkeys(RECEIVERS, "450 greylisted"), False, "refused all receivers"),
        (dict(zip(RECEIVERS, ["550 gone", "450 later"], strict=True)), False, "refused all"),
        ({"DATA": "554 5.7.1 it looks like spam"}, True, "it looks like spam"),
        ({"DATA": "451 the disk is full"}, False, "the disk is full"),
        ({"DATA": "999 what"}, False, "what"),
    ],
)
def test_the_first_digit_of_an_answer_says_whether_it_is_for_good(
    server: MailServer, replies: dict[str, str], permanent: bool, said: str
) -> None:
    server.replies = replies
    error = failure(server.settings())
    assert error.permanent is permanent
    assert said in str(error)
    assert server.got == []


def test_receivers_that_are_refused_for_good_are_named_and_the_others_get_it(
    server: MailServer,
) -> None:
    server.replies = {"two@example.org": "550 5.1.1 no such user"}
    said = EmailChannel(server.settings()).send(firing())
    assert said == "The mail server took it for 1 and refused two@example.org."
    assert server.got[0].rcpt_tos == ["one@example.org"]


def test_a_receiver_that_the_server_takes_later_is_not_forgotten(server: MailServer) -> None:
    server.replies = {"two@example.org": "450 greylisted"}
    error = failure(server.settings())
    assert not error.permanent
    assert str(error) == "The mail server takes it later for 1 of 2 receivers."


@pytest.mark.usefixtures("trusted", "planted")
def test_over_tls_it_signs_in(tls: ssl.SSLContext, planted: str) -> None:
    with mail_server(tls) as server:
        found = server.settings(security="starttls", user="pktmask", password="env:PKTMASK_PLANTED")
        EmailChannel(found).send(firing())
        (login,) = server.logins
        assert (login.login, login.password) == (b"pktmask", planted.encode())
        assert len(server.got) == 1
        server.replies = {"AUTH": "535 5.7.8 not accepted"}
        error = failure(found)
        assert (str(error), error.permanent) == (
            "The mail server does not accept name and password (535).",
            True,
        )
        server.replies = {"AUTH": "454 4.7.0 later"}
        assert not failure(found).permanent


@pytest.mark.usefixtures("trusted")
def test_tls_from_the_start(tls: ssl.SSLContext) -> None:
    with mail_server(tls, from_start=True) as server:
        EmailChannel(server.settings(security="tls")).send(firing())
        assert len(server.got) == 1


def test_a_certificate_that_nobody_signed_is_refused(tls: ssl.SSLContext) -> None:
    with mail_server(tls) as server:
        error = failure(server.settings(security="starttls"))
    assert str(error) == "The mail server shows a certificate that cannot be trusted."
    assert not error.permanent
    assert server.got == []


def test_a_server_without_tls_gets_nothing_where_tls_is_set(server: MailServer) -> None:
    error = failure(server.settings(security="starttls"))
    assert "does not offer what is needed" in str(error)
    assert server.got == []


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"receivers": ""}, "email.receivers names nobody"),
        ({"user": "a"}, "belong together"),
        ({"password": "env:PKTMASK_PLANTED"}, "belong together"),
        ({"user": "a", "password": "env:PKTMASK_PLANTED"}, "not sent without TLS"),
        ({"user": "a", "password": "env:PKTMASK_NONE", "security": "tls"}, "holds no secret"),
    ],
)
def test_settings_that_cannot_work_say_what_to_set(
    server: MailServer, more: dict[str, str], said: str
) -> None:
    error = failure(server.settings(**more))
    assert said in str(error)
    assert not error.permanent
    assert server.got == []


def test_metadata_of_clouds_stays_closed() -> None:
    settings = MailServer(80).settings().model_copy(update={"host": "169.254.169.254"})
    error = failure(settings)
    assert str(error) == "The mail server stands at an address that nothing is sent to."


def test_nobody_listens() -> None:
    error = failure(MailServer(free_port()).settings())
    assert str(error) == "The mail server does not listen at that address."


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (None, "did not answer in time"),
        (b"", "broke the connection off"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "The mail server"),
        (b"554 no service for you\r\n", "no service for you"),
        (b"\xff\xfe\x00\r\n", "The mail server"),
    ],
)
def test_a_server_that_is_slow_or_none_is_told_from_one_that_refuses(
    greeting: bytes | None, said: str
) -> None:
    with raw_server(greeting) as port:
        error = failure(MailServer(port).settings(timeout_seconds=0.3))
    assert said in str(error)
    assert error.permanent is (greeting is not None and greeting.startswith(b"554"))
