"""What the API answers to what it does not know, and what it says of itself."""

from __future__ import annotations

import pytest
from django.test import Client

from pktmask_site.api.choices import Scope
from tests.factories import make_user
from tests.migration.test_suspects import rolled_back
from tests.pktmask_site.api.scripts import V1, bearer, get, issued_to, said

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v2/captures", "/api/v1/captures/no"])
def test_an_address_that_there_is_not_is_told_where_the_description_is(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert "/api/v1/openapi.json" in said(answer)


def test_a_method_that_is_not_answered_names_those_that_are() -> None:
    answer = Client().delete(V1 + "captures", headers=bearer(issued_to(make_user())))
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    assert "DELETE" in said(answer)


def test_an_error_that_nobody_foresaw_quotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("what stood in a capture")

    monkeypatch.setattr("pktmask_site.api.captures.offered", fail)
    answer = get(issued_to(make_user(), [Scope.UPLOAD]), "profiles")
    assert answer.status_code == 500
    assert "X-Request-ID" in said(answer)
    assert answer["X-Request-ID"]


def test_the_description_is_there_for_everybody() -> None:
    found = Client().get(V1 + "openapi.json")
    assert found.status_code == 200
    assert found.json()["openapi"].startswith("3.")


def test_before_the_first_rollout_there_is_none() -> None:
    assert get(issued_to(make_user()), "rollout").json() == {"rollout": None}  # type: ignore[attr-defined]


def test_a_rollout_is_told_with_its_phases() -> None:
    _service, rollout, _runs = rolled_back("leak", served=1)
    found = get(issued_to(make_user()), "rollout").json()["rollout"]  # type: ignore[attr-defined]
    assert (found["rollout"], found["state"]) == (rollout.pk, "rolled_back")
    assert len(found["phases"]) == 5
