"""Headers of every class of answer, as the public scanners grade them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client

from config.roles import ADMINISTRATOR, VIEWER
from pktmask_site.security_headers import of_refusals
from tests.factories import make_capture, make_user
from tests.pktmask_site.observatory import MODIFIERS, TESTS, grade_of, results_of, score_of

pytestmark = pytest.mark.django_db
YEAR_SECONDS = 365 * 24 * 3600
# what every answer has, whatever it is
EVERYWHERE: Mapping[str, str] = {
    "X-Content-Type-Options": r"nosniff",
    "X-Frame-Options": r"DENY",
    "Referrer-Policy": r"same-origin",
    "Cross-Origin-Opener-Policy": r"same-origin",
    "Cross-Origin-Resource-Policy": r"same-origin",
    "Permissions-Policy": r".*\bcamera=\(\).*\bgeolocation=\(\).*\bmicrophone=\(\).*\busb=\(\).*",
    "Strict-Transport-Security": rf"max-age={YEAR_SECONDS}; includeSubDomains; preload",
    "Content-Security-Policy": r"(?=.*default-src 'none')(?=.*frame-ancestors 'none').*",
}
# what tells of the service
NOWHERE = ("Server", "X-Powered-By", "Access-Control-Allow-Origin")


@pytest.fixture(autouse=True)
def _production(settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = YEAR_SECONDS
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def get(path: str, role: str = "") -> Any:
    client = client_of(role) if role else Client()
    return client.get(path, secure=True)


def capture_page() -> Any:
    user = make_user()
    capture = make_capture(user)
    client = Client()
    client.force_login(user)
    return client.get(f"/captures/{capture.pk}/", secure=True)


# the class, what gives an answer of it, and its status
ANSWERS: dict[str, tuple[Callable[[], Any], int]] = {
    "sign-in": (lambda: get("/sign-in/"), 200),
    "redirect to it": (lambda: get("/captures/"), 302),
    "list": (lambda: get("/captures/", VIEWER), 200),
    "capture": (capture_page, 200),
    "own password": (lambda: get("/password/", VIEWER), 200),
    "overview": (lambda: get("/", ADMINISTRATOR), 200),
    "audit log": (lambda: get("/audit/", ADMINISTRATOR), 200),
    "data": (lambda: get("/alerts/data/", ADMINISTRATOR), 200),
    "not allowed": (lambda: get("/audit/", VIEWER), 403),
    "not there": (lambda: get("/nothing/", VIEWER), 404),
    "wrong method": (lambda: client_of(ADMINISTRATOR).put("/audit/", secure=True), 405),
    "form from elsewhere": (
        lambda: Client(enforce_csrf_checks=True).post("/sign-in/", secure=True),
        403,
    ),
    "wrong host": (lambda: Client().get("/", secure=True, HTTP_HOST="evil.example"), 400),
    "health": (lambda: get("/healthz"), 200),
    "badge": (lambda: get("/badge.svg", VIEWER), 200),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_class_of_answer_has_what_scanners_ask_for(name: str) -> None:
    make, status = ANSWERS[name]
    answer = make()
    assert answer.status_code == status
    for header, pattern in EVERYWHERE.items():
        assert re.fullmatch(pattern, answer.headers.get(header, "")), header
    for header in NOWHERE:
        assert header not in answer.headers


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_is_kept_where_others_may_find_it(name: str) -> None:
    make, _ = ANSWERS[name]
    said = make().headers["Cache-Control"]
    assert "no-store" in said or name == "badge"
    assert "public" not in said


def test_the_policy_of_pages_has_no_holes() -> None:
    policy = dict(
        each.strip().partition(" ")[::2]
        for each in get("/captures/", VIEWER)["Content-Security-Policy"].split(";")
    )
    assert policy.pop("img-src") == "'self' data:"
    assert policy.pop("base-uri") == policy.pop("default-src") == "'none'"
    assert policy.pop("frame-ancestors") == "'none'"
    assert set(policy.values()) == {"'self'"}
    assert {"script-src", "style-src", "connect-src", "form-action"} <= set(policy)


def test_plain_http_leads_to_tls() -> None:
    answer = Client().get("/captures/")
    assert answer.status_code == 301
    assert answer["Location"] == "https://testserver/captures/"


def test_what_is_refused_before_django_has_the_same() -> None:
    found = of_refusals()
    for header, pattern in EVERYWHERE.items():
        assert re.fullmatch(pattern, found[header.lower()]), header
    assert found["cache-control"] == "no-store"


def test_without_tls_nothing_is_promised_about_it(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 0
    assert "strict-transport-security" not in of_refusals()


# --- grades ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANSWERS)
def test_the_observatory_grades_every_class_of_answer_with_its_best(name: str) -> None:
    make, _ = ANSWERS[name]
    found = results_of(make(), Client().get("/sign-in/"))
    assert "worst" not in found.values()
    assert grade_of(score_of(found)) == "A+"


def test_what_the_observatory_sees_first_has_all_that_we_can_give() -> None:
    found = results_of(get("/sign-in/"), Client().get("/"))
    bonuses = {name: MODIFIERS[name][result] for name, result in found.items()}
    assert {name for name, points in bonuses.items() if points} == {
        "cookies",
        "content-security-policy",
        "referrer-policy",
        "x-frame-options",
    }
    assert score_of(found) == 125


class Bare:
    """An answer of somebody who has thought of nothing."""

    status_code, content, cookies = 200, b"<script>1</script>", ()
    headers: Mapping[str, str] = {"Content-Type": "text/html", "Access-Control-Allow-Origin": "*"}


def test_the_grader_knows_bad_answers() -> None:
    found = results_of(Bare(), Bare())
    assert TESTS.keys() == MODIFIERS.keys() == found.keys()
    assert (score_of(found), grade_of(score_of(found))) == (0, "F")


@pytest.mark.parametrize(
    ("header", "value", "grade"),
    [
        ("Content-Security-Policy", "default-src 'self' 'unsafe-inline'", "B"),
        ("Content-Security-Policy", "script-src 'self'", "B"),
        ("Strict-Transport-Security", "max-age=3600", "B+"),
        ("X-Content-Type-Options", "", "A+"),
        ("Referrer-Policy", "unsafe-url", "A+"),
        ("Access-Control-Allow-Origin", "*", "C"),
    ],
)
def test_one_bad_header_costs_what_the_observatory_says(
    header: str, value: str, grade: str
) -> None:
    answer = get("/sign-in/")
    answer.headers[header] = value
    assert grade_of(score_of(results_of(answer, Client().get("/sign-in/")))) == grade
