"""What is sent, in Chinese where the settings say so: nothing that has a translation is English."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.utils import translation
from structlog.testing import capture_logs

from config.current import forget
from config.languages.told import in_record
from monitoring.alerts.backlog import merged
from monitoring.alerts.message import Message, MessageKind, Picture, Severity
from monitoring.alerts.previews import sample_preview
from monitoring.alerts.rendering import body_of, message_of
from monitoring.alerts.values import AlertFacts, AlertState, Outgoing, SilenceFacts
from monitoring.channels.registered import MADE, SETTINGS
from monitoring.channels.speaking import in_language
from monitoring.channels.trials import trial_message
from monitoring.channels.webhook_body import body
from tests.monitoring.channels.mail_server import MailServer, mail_server
from tests.monitoring.channels.messages import HOST, POINTS
from tests.monitoring.channels.test_email import read
from tests.monitoring.chinese import CHINESE, english

NOW: Final = datetime(2026, 11, 29, 7, 31, 5, tzinfo=UTC)
FOR_PEOPLE: Final = ("email", "slack", "webhook", "apprise")
# what programs read of a body, and of blocks
KEYS: Final = frozenset(
    (
        *("version", "key", "kind", "severity", "at", "fingerprint", "rule", "since"),
        *("resolved_at", "address", "links", "type", "url", "action_id", "style"),
    )
)
TYPED: Final = "Edge is hot"


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that is sent be in Chinese."""
    monkeypatch.setenv("PKTMASK_MESSAGES__LANGUAGE", CHINESE)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    """Give a server that the settings lead to."""
    with mail_server() as running:
        monkeypatch.setenv("PKTMASK_EMAIL__RECEIVERS", "one@example.org")
        monkeypatch.setenv("PKTMASK_EMAIL__HOST", "127.0.0.1")
        monkeypatch.setenv("PKTMASK_EMAIL__PORT", str(running.port))
        monkeypatch.setenv("PKTMASK_EMAIL__SECURITY", "none")
        yield running


def alert(name: str, title: str, **changes: Any) -> AlertFacts:
    """Return an alert that fires; its texts are those of the catalogue."""
    facts = AlertFacts(
        key=name,
        fingerprint=f"fingerprint-{name}",
        rule=name,
        severity=Severity.HIGH,
        state=AlertState.FIRING,
        title=title,
        sentence="99.20 % of 300 runs of both strategies succeeded, 99.50 % must.",
        since=NOW - timedelta(hours=1),
        seen_at=NOW,
        actions=("Keep originals for a shorter time.", "Add space."),
        runbook="disk",
    )
    return replace(facts, **changes)


def bodies() -> Iterator[tuple[MessageKind, dict[str, Any]]]:
    """Give what the outbox keeps of each kind of message, about one alert and about several."""
    one = alert("disk", "Disk in use")
    typed = alert("hot", TYPED, resolved_at=NOW)
    for kind in MessageKind:
        if kind in (MessageKind.REMINDER, MessageKind.TEST):
            continue
        for alerts, more in (((one,), 0), ((typed,), 0), ((one, typed), 3)):
            keys = tuple(each.key for each in alerts)
            outgoing = Outgoing("k", "email", kind, "high", NOW, keys, more, 2)
            yield kind, body_of(outgoing, {each.key: each for each in alerts})
    late = [body for kind, body in bodies_of(MessageKind.FIRING, one, typed)]
    yield MessageKind.DIGEST, merged(late)
    reminder = Outgoing("k", "email", MessageKind.REMINDER, "low", NOW, silence=3)
    silence = SilenceFacts(3, (("rule", "disk"),), NOW, NOW + timedelta(hours=1), owner="anna")
    yield MessageKind.REMINDER, body_of(reminder, {}, silence)


def bodies_of(
    kind: MessageKind, *alerts: AlertFacts
) -> Iterator[tuple[MessageKind, dict[str, Any]]]:
    """Give the body of a message about each alert."""
    for each in alerts:
        yield kind, body_of(Outgoing("k", "", kind, "high", NOW, (each.key,)), {each.key: each})


def messages() -> list[Message]:
    """Return every message that is sent, and the sample of previews."""
    picture = Picture("Disk in use", "%", POINTS, 90.0)
    found = [
        message_of("k", kind, "high", NOW, body, public_url=HOST, acknowledge=HOST, picture=picture)
        for kind, body in bodies()
    ]
    return [*found, trial_message(), sample_preview(NOW)]


def texts_in(value: Any) -> Iterator[str]:
    """Give what people read of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in KEYS:
                yield from texts_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_in(each)


def texts_of(media_type: str, shown: str) -> Iterable[str]:
    """Return what people read of a part of a message, text by text."""
    if media_type == "text/html":
        return read(shown).said
    if media_type == "application/json":
        return texts_in(json.loads(shown))
    return shown.splitlines()


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize("channel", FOR_PEOPLE)
def test_nothing_of_a_message_is_english_that_has_a_translation(channel: str) -> None:
    for message in messages():
        for media_type, shown in MADE[channel]().preview(message).items():
            assert english(texts_of(media_type, shown), [TYPED]) == [], message.kind


@pytest.mark.usefixtures("chinese")
def test_a_chinese_mail_says_what_happens_also_around_what_people_typed() -> None:
    [resolved] = [each for _kind, each in bodies_of(MessageKind.RESOLVED, alert("hot", TYPED))]
    message = message_of("k", MessageKind.RESOLVED, "high", NOW, resolved)
    text = MADE["email"]().preview(message)["text/plain"]
    assert text.splitlines()[0] == f"[PktMask] 已恢复、高：已恢复：{TYPED}"
    assert "两种策略 的 300 次运行中有 99.20 % 成功" in text
    assert "2026年11月29日 07:31:05 UTC" in text


@pytest.mark.usefixtures("chinese")
def test_what_programs_read_stays_as_it_is() -> None:
    [message, *_others] = messages()
    with translation.override(CHINESE):
        said, stored = (json.loads(body(each)) for each in (in_language(message), message))
    assert said["alerts"][0]["title"] != stored["alerts"][0]["title"]
    assert said.keys() == stored.keys()
    for key in KEYS & said.keys():
        assert said[key] == stored[key]
    assert [each["rule"] for each in said["alerts"]] == ["disk"]


@pytest.mark.usefixtures("chinese")
def test_the_log_stays_english_on_a_chinese_page_as_well() -> None:
    [message, *_others] = messages()
    with translation.override(CHINESE), capture_logs() as lines:
        MADE["log"]().send(message)
    assert lines[0]["event"] == "Firing, high: Disk in use"
    assert english([lines[0]["event.reason"]])


@pytest.mark.parametrize("channel", FOR_PEOPLE)
def test_without_the_setting_it_is_what_the_channel_says_in_english(channel: str) -> None:
    plain = {made.__name__: made for made in SETTINGS}[channel]()
    for message in messages():
        with in_record():
            expected = plain.preview(message)
        with translation.override(CHINESE):
            assert MADE[channel]().preview(message) == expected
        for media_type, shown in expected.items():
            assert english(texts_of(media_type, shown))


def test_a_message_that_is_sent_in_another_language_keeps_its_name(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    [message, *_others] = messages()
    for language in ("en", CHINESE):
        monkeypatch.setenv("PKTMASK_MESSAGES__LANGUAGE", language)
        forget()
        MADE["email"]().send(message)
    first, second = server.mail(0), server.mail(1)
    assert first["Subject"] != second["Subject"]
    for name in ("Message-ID", "X-PktMask-Key", "X-PktMask-Severity", "List-Id"):
        assert first[name] == second[name]
