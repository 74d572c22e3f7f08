"""What the settings of the channels accept."""

from __future__ import annotations

import pytest

from config.current import forget
from config.sections import Section, accepted, conceals, fits
from monitoring.channels.conf import (
    AppriseSettings,
    ConsoleSettings,
    EmailSettings,
    SlackSettings,
    WebhookSettings,
    public_url,
    web_address,
)

ACCEPTED: dict[tuple[type[Section], str], tuple[list[object], list[object]]] = {
    (ConsoleSettings, "public_url"): (
        ["", "https://a.example", "http://10.0.0.1:8000", "https://a.example/console/"],
        ["a.example", "ftp://a.example", "https://u:p@a.example", "https://a/?q", "https://a/#f"],
    ),
    (EmailSettings, "sender"): (["a@example.org", "pktmask@localhost"], ["", "a", "A <a@b.org>"]),
    (EmailSettings, "receivers"): (
        ["", "a@example.org", "a@example.org, b@example.org,"],
        ["a@example.org; b@example.org", "a", ", ".join(["a@example.org"] * 51)],
    ),
    (EmailSettings, "security"): (["tls", "starttls", "none"], ["ssl", ""]),
    (EmailSettings, "port"): ([1, 25, 65535], [0, 65536, "25"]),
    (SlackSettings, "token"): (["", "env:PKTMASK_A", "file:/run/secrets/a"], ["xoxb-1"]),
    (WebhookSettings, "address"): (
        ["", "https://a.example/hook?t=1", "http://a.example", "env:PKTMASK_A"],
        ["a.example", "https://", "https://a:99999", "https://a b", "https://ü.example", "env:A"],
    ),
    (AppriseSettings, "addresses"): (
        ["", "env:PKTMASK_A, file:/run/secrets/a"],
        ["tgram://token/1", "env:PKTMASK_A, tgram://token/1"],
    ),
}


@pytest.mark.parametrize(("kind", "key"), ACCEPTED)
def test_values_are_accepted_by_their_form(kind: type[Section], key: str) -> None:
    field = kind.model_fields[key]
    good, bad = ACCEPTED[kind, key]
    assert [value for value in good if not fits(field, value)] == []
    assert [value for value in bad if fits(field, value)] == []
    assert accepted(field)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (EmailSettings, "password"),
        (SlackSettings, "token"),
        (SlackSettings, "webhook"),
        (WebhookSettings, "address"),
        (WebhookSettings, "signing_secret"),
        (AppriseSettings, "addresses"),
        (AppriseSettings, "level_2_addresses"),
        (AppriseSettings, "level_3_addresses"),
    ],
)
def test_what_may_be_a_secret_is_never_quoted(kind: type[Section], key: str) -> None:
    assert conceals(kind.model_fields[key])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://a.example", ("https", "a.example", 443, "/")),
        ("http://a.example:81/x?y=1", ("http", "a.example", 81, "/x?y=1")),
        ("https://[2606::1]/x", ("https", "2606::1", 443, "/x")),
    ],
)
def test_an_address_has_scheme_host_port_and_target(
    text: str, parts: tuple[str, str, int, str]
) -> None:
    assert web_address(text, ("https", "http")) == parts


@pytest.mark.parametrize(
    "text", ["http://a.example", "https://a:planted", "https://u:planted@a", "https://[::planted"]
)
def test_a_refused_address_is_not_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="address") as caught:
        web_address(text, ("https",))
    assert "planted" not in str(caught.value)


def test_the_address_of_the_console_has_no_slash_at_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert public_url() == ""
    forget()
    monkeypatch.setenv("PKTMASK_CONSOLE__PUBLIC_URL", "https://a.example/console/")
    assert public_url() == "https://a.example/console"
