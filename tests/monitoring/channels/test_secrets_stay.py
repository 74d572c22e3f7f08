"""A secret is in no error, log, preview or repr, whatever a receiver does and says."""

from __future__ import annotations

import base64
import logging
import ssl
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.secret_references import SecretMissingError, secret
from monitoring.channels.apprise import AppriseChannel
from monitoring.channels.base import Channel, ChannelError
from monitoring.channels.conf import AppriseSettings, SlackSettings, WebhookSettings
from monitoring.channels.email import EmailChannel
from monitoring.channels.slack import SlackChannel
from monitoring.channels.webhook import WebhookChannel
from tests.monitoring.channels.conftest import SECRET
from tests.monitoring.channels.mail_server import mail_server
from tests.monitoring.channels.messages import firing
from tests.monitoring.channels.receivers import Act, Receiver, answers, free_port, resets, says

# as a receiver may quote it
FORMS = (SECRET, base64.b64encode(SECRET.encode()).decode())


def slack(url: str) -> Channel:
    return SlackChannel(SlackSettings(token="env:PKTMASK_PLANTED", channel="C1"), api=f"{url}/")


def slack_webhook(_url: str) -> Channel:
    return SlackChannel(SlackSettings(webhook="env:PKTMASK_URL"))


def webhook(_url: str) -> Channel:
    return WebhookChannel(
        WebhookSettings(
            address="env:PKTMASK_URL",
            signing_secret="env:PKTMASK_PLANTED",
            allow_private=True,
            allow_http=True,
            timeout_seconds=0.3,
        )
    )


def apprise(_url: str) -> Channel:
    return AppriseChannel(
        AppriseSettings(addresses="env:PKTMASK_SERVICE", allow_private=True, timeout_seconds=0.3)
    )


def no_service(_url: str) -> Channel:
    return AppriseChannel(AppriseSettings(addresses="env:PKTMASK_PLANTED"))


def no_address(_url: str) -> Channel:
    return SlackChannel(SlackSettings(webhook="env:PKTMASK_PLANTED"))


ECHO = f"what you sent: {SECRET}".encode()
ACTS: dict[str, Act] = {
    "takes it and quotes it": answers(200, ECHO),
    "refuses and quotes it": answers(403, ECHO, X_Token=SECRET),
    "fails and quotes it": answers(500, ECHO),
    "asks for patience": answers(429, ECHO, Retry_After=SECRET),
    "leads elsewhere": answers(302, Location=f"http://127.0.0.1:1/{SECRET}"),
    "is no HTTP": says(ECHO + b"\r\n\r\n"),
    "gives a code": answers(
        200, f'{{"ok":false,"error":"{SECRET}"}}'.encode(), Content_Type="application/json"
    ),
    "breaks off": resets,
}


class Kept(logging.Handler):
    """Keeps what the service would write: what reaches the root logger."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # the server of the tests runs in this process and is no part of the service
        if not record.name.startswith("mail."):
            self.said.append(f"{record.getMessage()} {record.__dict__}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    kept = Kept()
    root = logging.getLogger()
    root.addHandler(kept)
    yield kept.said
    root.removeHandler(kept)


def everything_said(channel: Channel, logged: list[str]) -> str:
    """Send, and return all that anybody could read of it here."""
    said = [repr(channel), str(channel), *channel.preview(firing()).values()]
    try:
        said.append(channel.send(firing()))
    except ChannelError as error:
        said += [str(error), repr(error), repr(error.args)]
    return "\n".join(said + logged)


@pytest.fixture
def led(receiver: Receiver, planted: str, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Have all references lead to the receiver, with the secret in their paths."""
    monkeypatch.setenv("PKTMASK_URL", f"{receiver.url}/{planted}")
    service = f"{receiver.url.replace('http', 'json')}/{planted}?+X-Token={planted}"
    monkeypatch.setenv("PKTMASK_SERVICE", service)
    return receiver


@pytest.mark.parametrize("make", [slack, slack_webhook, webhook, apprise, no_service, no_address])
@pytest.mark.parametrize("act", ACTS)
def test_http_receivers_cannot_bring_it_out(
    led: Receiver,
    logged: list[str],
    capfd: pytest.CaptureFixture[str],
    make: Callable[[str], Channel],
    act: str,
) -> None:
    led.acts[:] = [ACTS[act]]
    said = everything_said(make(led.url), logged)
    assert not [form for form in FORMS if form in said + "".join(capfd.readouterr())]


@pytest.mark.parametrize("make", [slack, slack_webhook, webhook, apprise])
def test_nobody_who_listens_nowhere_brings_it_out(
    led: Receiver,
    logged: list[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[str], Channel],
) -> None:
    gone = f"127.0.0.1:{free_port()}/{SECRET}"
    monkeypatch.setenv("PKTMASK_URL", f"http://{gone}")
    monkeypatch.setenv("PKTMASK_SERVICE", f"json://{gone}")
    said = everything_said(make(f"http://{gone.partition('/')[0]}"), logged)
    assert not [form for form in FORMS if form in said + "".join(capfd.readouterr())]


@pytest.mark.usefixtures("planted", "trusted")
@pytest.mark.parametrize(
    "replies",
    [
        {"AUTH": f"535 {FORMS[0]} {FORMS[1]} is wrong"},
        {"AUTH": f"454 {FORMS[0]} later"},
        {"DATA": f"554 {FORMS[0]} {FORMS[1]}"},
        {"one@example.org": f"550 {FORMS[0]}", "two@example.org": f"550 {FORMS[1]}"},
        {"one@example.org": f"550 {FORMS[0]}"},
        {"one@example.org": f"450 {FORMS[0]}"},
    ],
)
def test_a_mail_server_that_quotes_the_password_cannot_bring_it_out(
    tls: ssl.SSLContext, logged: list[str], replies: dict[str, str]
) -> None:
    with mail_server(tls) as server:
        server.replies = replies
        channel = EmailChannel(
            server.settings(security="starttls", user="pktmask", password="env:PKTMASK_PLANTED")
        )
        said = everything_said(channel, logged)
    assert not [form for form in FORMS if form in said]


@given(st.text("abcdefghijklmnopqrstuvwxyz-0123456789:/.", min_size=8, max_size=60))
def test_a_secret_in_place_of_a_reference_is_not_quoted(text: str) -> None:
    with pytest.raises(SecretMissingError) as other:
        secret("another", {})
    with pytest.raises(SecretMissingError) as caught:
        secret(text, {})
    # it may be a word of the sentence, which is the same for all
    assert str(caught.value) == str(other.value) or text not in str(caught.value)
