"""Ids of requests, and what every answer tells the browser."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_every_answer_carries_the_id_of_its_request(client: Client) -> None:
    first = client.get("/sign-in/")["X-Request-ID"]
    assert len(first) == 32
    assert first != client.get("/sign-in/")["X-Request-ID"]


def test_an_id_given_by_a_proxy_is_kept_when_it_is_harmless(client: Client) -> None:
    given = client.get("/sign-in/", headers={"X-Request-ID": "edge-0123.abc"})
    assert given["X-Request-ID"] == "edge-0123.abc"
    hostile = client.get("/sign-in/", headers={"X-Request-ID": 'a"; rm -rf /'})
    assert len(hostile["X-Request-ID"]) == 32


def test_answers_forbid_inline_scripts_and_framing(client: Client) -> None:
    client.force_login(make_user())
    for address in ("/sign-in/", "/captures/", "/nothing-here/"):
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in f"{policy};"
        assert "style-src 'self';" in f"{policy};"
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("address", ["/", "/captures/", "/captures/upload/", "/admin/"])
def test_without_a_login_every_page_leads_to_the_login(client: Client, address: str) -> None:
    answer = client.get(address, follow=True)
    assert answer.redirect_chain[-1][0].split("?")[0] == "/sign-in/"


def test_somebody_who_may_not_administer_is_told_so(client: Client) -> None:
    client.force_login(make_user("operator"))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "PktMask" in answer.content.decode()


def test_after_the_login_a_person_comes_to_where_they_wanted_but_never_to_another_site(
    client: Client,
) -> None:
    user = make_user("administrator", password="correct horse")
    form = {"username": user.username, "password": "correct horse"}
    assert client.post("/sign-in/", {**form, "next": "/admin/"})["Location"] == "/admin/"
    client.post("/sign-out/")
    elsewhere = client.post("/sign-in/", {**form, "next": "https://example.org/"})
    assert elsewhere["Location"] == "/"
