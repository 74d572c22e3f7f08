"""Which setting or secret a channel lacks; what a secret holds is never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitoring.channels.readiness import readiness
from monitoring.channels.registered import MADE
from tests.monitoring.channels.conftest import SECRET

LED = "env:PKTMASK_PLANTED"
NOWHERE = "env:PKTMASK_NOT_THERE"
URL = "env:PKTMASK_HOOK"
EMAIL = {"EMAIL__RECEIVERS": "one@example.org"}


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("channel", "given", "lacks"),
    [
        ("log", {}, []),
        ("email", {}, ["email.receivers"]),
        ("email", EMAIL, []),
        ("email", {**EMAIL, "EMAIL__USER": "one"}, ["email.password"]),
        ("email", {**EMAIL, "EMAIL__PASSWORD": LED}, ["email.user"]),
        ("email", {**EMAIL, "EMAIL__USER": "one", "EMAIL__PASSWORD": LED}, []),
        (
            "email",
            {**EMAIL, "EMAIL__USER": "o", "EMAIL__PASSWORD": LED, "EMAIL__SECURITY": "none"},
            ["email.security"],
        ),
        (
            "email",
            {**EMAIL, "EMAIL__USER": "o", "EMAIL__PASSWORD": NOWHERE},
            ["email.password"],
        ),
        ("slack", {}, ["slack.token"]),
        ("slack", {"SLACK__TOKEN": LED}, ["slack.channel"]),
        ("slack", {"SLACK__TOKEN": NOWHERE, "SLACK__CHANNEL": "C1"}, ["slack.token"]),
        ("slack", {"SLACK__TOKEN": LED, "SLACK__CHANNEL": "C1"}, []),
        ("slack", {"SLACK__WEBHOOK": LED}, ["slack.webhook"]),
        ("slack", {"SLACK__WEBHOOK": URL}, []),
        ("webhook", {}, ["webhook.address", "webhook.signing_secret"]),
        (
            "webhook",
            {"WEBHOOK__ADDRESS": "http://example.org", "WEBHOOK__SIGNING_SECRET": LED},
            ["webhook.address"],
        ),
        ("webhook", {"WEBHOOK__ADDRESS": URL, "WEBHOOK__SIGNING_SECRET": LED}, []),
        ("webhook", {"WEBHOOK__ADDRESS": LED, "WEBHOOK__SIGNING_SECRET": LED}, ["webhook.address"]),
        (
            "webhook",
            {
                "WEBHOOK__ADDRESS": "http://example.org",
                "WEBHOOK__ALLOW_HTTP": "true",
                "WEBHOOK__SIGNING_SECRET": NOWHERE,
            },
            ["webhook.signing_secret"],
        ),
        ("apprise", {}, ["apprise.addresses"]),
        ("apprise", {"APPRISE__ADDRESSES": f"{LED}, {NOWHERE}"}, ["apprise.addresses"]),
        ("apprise", {"APPRISE__ADDRESSES": LED}, []),
    ],
)
def test_what_is_missing_is_named_and_no_secret_is_told(
    channel: str, given: dict[str, str], lacks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_HOOK", "https://hooks.example.org/one")
    for name, value in given.items():
        monkeypatch.setenv(f"PKTMASK_{name}", value)
    found = readiness(channel)
    assert [each.setting for each in found.lacks] == lacks
    assert found.is_on == (channel == "log")
    assert all(each.words for each in found.lacks)
    assert SECRET not in repr(found)


def test_a_secret_in_a_file_that_is_not_there_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PKTMASK_APPRISE__ADDRESSES", f"file:{tmp_path}/address")
    (lack,) = readiness("apprise").lacks
    assert "cannot be read" in lack.words
    (tmp_path / "address").write_text("json://localhost")
    assert readiness("apprise").lacks == ()


def test_the_readiness_of_every_channel_is_known() -> None:
    assert all(readiness(name) for name in MADE)
