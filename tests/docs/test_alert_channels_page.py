"""The page about channels tells every setting and every name of the webhook, and its code works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.utils import timezone

from config.sections import Section
from monitoring.channels import conf
from monitoring.channels.base import channels
from monitoring.channels.log import fields
from monitoring.channels.webhook_body import body, content, headers
from tests.monitoring.channels.messages import firing

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alert-channels.md").read_text()
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
SECTIONS = (
    conf.EmailSettings,
    conf.SlackSettings,
    conf.WebhookSettings,
    conf.AppriseSettings,
    conf.ConsoleSettings,
)
# what needs no more words than docs/settings.md has
PLAIN = {"enabled", "timeout_seconds", "host", "port", "user", "password", "sender"}


def test_every_channel_and_every_setting_that_needs_words_stands_on_the_page() -> None:
    assert {name for name in channels.names() if f"| `{name}` | `{name}` |" not in PAGE} == set()
    assert [name for kind in SECTIONS for name in _untold(kind)] == []


def _untold(kind: type[Section]) -> list[str]:
    names = [f"{kind.section}.{key}" for key in kind.model_fields if key not in PLAIN]
    # channels of support levels are told together
    return [name for name in names if f"`{name}`" not in PAGE and "slack.level" not in name]


def test_every_name_of_the_body_and_of_the_log_stands_on_the_page() -> None:
    shown = content(firing())
    names = [*shown, *shown["alerts"][0], *shown["links"]]
    assert [name for name in names if f"`{name}`" not in PAGE] == []
    assert "pktmask.alert" in fields(firing())


def test_the_code_that_verifies_takes_what_is_sent_and_nothing_else() -> None:
    assert CODE is not None
    names: dict[str, Any] = {}
    exec(CODE[1], names)
    verify = names["is_from_pktmask"]
    now = timezone.now()
    sent = body(firing())
    signed = dict(headers(firing(), sent, "the secret", now))
    assert verify("the secret", signed, sent, now.timestamp())
    assert not verify("another", signed, sent, now.timestamp())
    assert not verify("the secret", signed, sent + b" ", now.timestamp())
    assert not verify("the secret", signed, sent, now.timestamp() + 301)
    later = {**signed, "X-PktMask-Timestamp": str(int(now.timestamp()) + 1)}
    assert not verify("the secret", later, sent, now.timestamp())
