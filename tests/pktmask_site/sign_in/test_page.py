"""The page to sign in, attacked: mass sign-in, guessing names, open redirects, over-long input."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.models import AuditEvent
from monitoring.alerts.inbox import inbox
from pktmask_site.sign_in.alerts import WINDOW, refused_since

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", password=PASSWORD)


def sign_in(
    client: Client, name: str, password: str, address: str = "192.0.2.7", **more: str
) -> Any:
    data = {"username": name, "password": password, **more}
    return client.post("/sign-in/", data, REMOTE_ADDR=address)


def shown(answer: Any, name: str) -> str:
    """Return a page without what differs between any two: the name typed, tokens, the clock."""
    differs = r'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]+"|Wait \d+ seconds?'
    text = re.sub(differs, "", answer.content.decode())
    return text.replace(name, "NAME")


def alerts() -> set[str]:
    return {each.rule for each in inbox.found(timezone.now()).conditions}


def test_mass_sign_in_is_slowed_down_told_once_and_an_alert(client: Client, anna: User) -> None:
    answers = [sign_in(client, "anna", f"guess {number}") for number in range(40)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 30
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert "There were too many tries" in answers[-1].content.decode()
    assert "sign_ins_refused" not in alerts()
    for number in range(60):
        sign_in(client, f"name {number}", "guess")
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert actions.count("sign_in_refused") == 50 - 30
    assert actions.count("sign_in_throttled") == 2
    # 20 wrong passwords alone would be none
    assert "sign_ins_refused" in alerts()


def test_one_name_that_is_tried_without_end_is_an_alert(client: Client, anna: User) -> None:
    for number in range(60):
        sign_in(client, "anna", f"guess {number}", f"198.51.100.{number}")
    assert AuditEvent.objects.filter(action="sign_in_refused").count() == 10
    (event,) = AuditEvent.objects.filter(action="sign_in_throttled")
    assert event.details == {"by": "account", "tries": 1}
    assert refused_since(event.at - WINDOW) == 60
    assert "sign_ins_refused" in alerts()


def test_tokens_of_scripts_that_are_tried_without_end_are_an_alert_too(client: Client) -> None:
    for number in range(80):
        client.get("/api/v1/token", headers={"Authorization": f"Bearer pktmask_{number}"})
    assert refused_since(timezone.now() - WINDOW) == 60
    assert "sign_ins_refused" in alerts()


def test_the_right_password_is_not_looked_at_while_nothing_may_be_tried(
    client: Client, anna: User
) -> None:
    for number in range(10):
        sign_in(client, "anna", f"guess {number}")
    assert sign_in(client, "anna", PASSWORD).status_code == 429
    assert "_auth_user_id" not in client.session


def test_no_answer_tells_whether_there_is_an_account(client: Client, anna: User) -> None:
    User.objects.create_user("bert", password=PASSWORD, is_active=False)
    for number in range(12):
        # each from an address of its own, so that only the name counts
        found = {
            name: sign_in(client, name, PASSWORD[:-1], f"192.0.{place}.{number}")
            for place, name in enumerate(("anna", "bert", "nobody"))
        }
        found["bert right"] = sign_in(client, "bert2", PASSWORD, f"192.0.9.{number}")
        assert len({answer.status_code for answer in found.values()}) == 1
        pages = {shown(found[name], name) for name in ("anna", "bert", "nobody")}
        assert len(pages) == 1


def test_who_is_deactivated_is_answered_as_anybody(client: Client, anna: User) -> None:
    User.objects.create_user("bert", password=PASSWORD, is_active=False)
    one, other = sign_in(client, "bert", PASSWORD), sign_in(client, "nobody", PASSWORD)
    assert shown(one, "bert") == shown(other, "nobody")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "http:evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/%0d%0aLocation:https://evil.example\r\nX: y",
        "\t//evil.example",
        " https://evil.example",
        "https://testserver@evil.example",
        "https://testserver.evil.example",
        "ftp://testserver/",
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(client: Client, anna: User, target: str) -> None:
    answer = sign_in(client, "anna", PASSWORD, next=target)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\"))
    assert "evil" not in answer["Location"] or answer["Location"].startswith("/%0d")
    # who is signed in already is led nowhere else either
    again = client.get("/sign-in/", {"next": target})
    assert again["Location"].startswith("/")
    assert not again["Location"].startswith(("//", "/\\"))


def test_signing_in_leads_to_the_page_that_was_asked_for(client: Client, anna: User) -> None:
    assert sign_in(client, "anna", PASSWORD, next="/captures/?q=a")["Location"] == "/captures/?q=a"


def test_the_door_of_the_admin_leads_to_the_same_page_and_nowhere_else(client: Client) -> None:
    answer = client.get(reverse("admin:login"), {"next": "https://evil.example/"})
    assert answer["Location"].startswith("/sign-in/?next=")
    assert (
        client.post(reverse("admin:login"), {"username": "a", "password": "b"}).status_code == 302
    )


@pytest.mark.parametrize("length", [151, 10_000, 1_000_000])
def test_over_long_input_is_refused_without_harm(client: Client, length: int) -> None:
    assert sign_in(client, "n" * length, "p").status_code == 200
    assert sign_in(client, "n", "p" * length).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["\x00", "anna\x00", "\ud800".encode("utf-16", "surrogatepass").decode("latin-1"), "", " "],
)
def test_strange_names_are_refused_without_harm(client: Client, anna: User, name: str) -> None:
    # NUL is refused before the form is read
    assert sign_in(client, name, PASSWORD).status_code == (400 if "\x00" in name else 200)
    assert "_auth_user_id" not in client.session


def test_a_form_from_another_page_is_refused(anna: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert sign_in(client, "anna", PASSWORD).status_code == 403
