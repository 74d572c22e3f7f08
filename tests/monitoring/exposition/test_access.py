"""Who may read figures without an account; an address that may be made up opens nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from config.sections import fits
from monitoring.exposition.access import FORWARDED, has_token, is_near
from monitoring.exposition.conf import ExpositionSettings, read_networks
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LOOPBACK = read_networks("127.0.0.0/8, ::1/128")
TOKEN = "a-token-of-some-length"
FIGURES = ("monitoring:metrics", "badge")


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2001:db8::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_an_address_is_near_when_it_is_in_a_network_that_is_trusted(
    address: str, near: bool
) -> None:
    assert is_near(address, {}, LOOPBACK) is near


@pytest.mark.parametrize("header", FORWARDED)
def test_what_came_through_a_proxy_is_from_nowhere_near(header: str) -> None:
    assert not is_near("127.0.0.1", {header: "127.0.0.1"}, LOOPBACK)


def test_without_networks_nobody_is_near() -> None:
    assert not is_near("127.0.0.1", {}, read_networks(""))


@pytest.mark.parametrize(
    ("authorization", "fits_it"),
    [
        (f"Bearer {TOKEN}", True),
        (f"bearer  {TOKEN} ", True),
        ("Bearer wrong", False),
        (f"Basic {TOKEN}", False),
        (TOKEN, False),
        ("", False),
        ("Bearer \u00e9", False),
    ],
)
def test_a_token_opens_when_it_is_the_one_of_the_reference(
    authorization: str, fits_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_SCRAPE_TOKEN", TOKEN)
    assert has_token(authorization, "env:PKTMASK_SCRAPE_TOKEN") is fits_it


def test_without_a_token_in_the_settings_or_in_its_place_none_opens() -> None:
    assert not has_token("Bearer ", "")
    assert not has_token("Bearer ", "env:PKTMASK_NOT_THERE")


@pytest.mark.parametrize("name", FIGURES)
def test_another_machine_is_refused_without_an_account(name: str) -> None:
    answer = Client(REMOTE_ADDR="10.0.0.1").get(reverse(name))
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert b"exposition" in answer.content


@pytest.mark.parametrize("name", FIGURES)
def test_another_machine_reads_with_the_token(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_SCRAPE_TOKEN", TOKEN)
    monkeypatch.setenv("PKTMASK_EXPOSITION__TOKEN", "env:PKTMASK_SCRAPE_TOKEN")
    client = Client(REMOTE_ADDR="10.0.0.1", headers={"authorization": f"Bearer {TOKEN}"})
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER, ADMINISTRATOR])
def test_every_role_reads_from_everywhere(role: str, name: str) -> None:
    client = Client(REMOTE_ADDR="10.0.0.1")
    client.force_login(make_user(role))
    assert client.get(reverse(name)).status_code == 200


def test_the_badge_is_for_all_when_the_settings_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_EXPOSITION__BADGE_FOR_ALL", "true")
    client = Client(REMOTE_ADDR="10.0.0.1")
    assert client.get(reverse("badge")).status_code == 200
    assert client.get(reverse("monitoring:metrics")).status_code == 401


@pytest.mark.parametrize("name", ["monitoring:healthz", "monitoring:readyz"])
def test_anybody_may_ask_whether_it_lives_and_is_ready(name: str) -> None:
    assert Client(REMOTE_ADDR="10.0.0.1").get(reverse(name)).status_code in (200, 503)


def test_who_watches_a_process_directly_is_not_sent_to_tls(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    for name in ("monitoring:metrics", "monitoring:healthz", "monitoring:readyz"):
        assert client.get(reverse(name)).status_code in (200, 503)
    assert client.get(reverse("login")).status_code == 301


@pytest.mark.parametrize("name", [*FIGURES, "monitoring:healthz", "monitoring:readyz"])
def test_nothing_can_be_sent_there(name: str) -> None:
    assert Client().post(reverse(name)).status_code == 405


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("", True),
        ("10.0.0.0/8, ::1/128", True),
        ("10.0.0.1", True),
        ("10.0.0.1/8", False),
        ("here", False),
    ],
)
def test_a_setting_takes_networks_only(text: str, is_taken: bool) -> None:
    assert fits(ExpositionSettings.model_fields["networks"], text) is is_taken
