"""The badge says the health and the rollout by words; unknown where nothing is known."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from migration.choices import PhaseName
from migration.models import Rollout
from monitoring import strip
from monitoring.choices import Verdict
from monitoring.models import Heartbeat
from pktmask_site.badge import parts
from tests.migration.traffic import in_phase
from tests.monitoring.measured import make_report

pytestmark = pytest.mark.django_db
SVG = "{http://www.w3.org/2000/svg}"


def texts() -> list[str]:
    answer = Client().get("/badge.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    root = ElementTree.fromstring(answer.content)
    found = [str(each.text) for each in root.iter(f"{SVG}text")]
    assert root.get("aria-label") == root.findtext(f"{SVG}title") == ", ".join(found)
    return found


def workers_work() -> None:
    now = timezone.now()
    Heartbeat.objects.update_or_create(name="monitor", defaults={"at": now})
    Heartbeat.objects.update_or_create(
        name="workers", defaults={"at": now, "asked_at": now - timedelta(seconds=1)}
    )


def test_without_data_it_says_that_nothing_is_known() -> None:
    assert texts() == ["PktMask", "Not known", "No rollout"]


def test_it_says_the_verdict_that_holds() -> None:
    workers_work()
    make_report(timezone.now(), Verdict.WARN)
    assert texts() == ["PktMask", "Warn", "No rollout"]


def test_it_says_the_phase_of_the_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_COMPARISON", "true")
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_AB_TEST", "true")
    in_phase(PhaseName.AB_TEST)
    assert texts()[2] == "Running: Phase 2 of 5, 20 % scanning"
    Rollout.objects.update(state="rolled_back")
    assert texts()[2] == "Rolled back"


def test_a_database_that_fails_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise DatabaseError

    monkeypatch.setattr(strip, "newest_report", refuse)
    assert texts() == ["PktMask", "Not known"]


def test_fields_stand_side_by_side() -> None:
    first, second = parts([("PktMask", ""), ("Ok", "ok")])
    assert first.left == 0
    assert second.left == first.width
