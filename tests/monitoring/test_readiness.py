"""Whether the service is ready: each probe says so, and what is not known is not ready."""

from __future__ import annotations

from collections import namedtuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from monitoring import probes as the_probes
from monitoring.models import Heartbeat
from monitoring.readiness import Answer, Probes, probes
from tests.monitoring.measured import make_samples
from trimming.policy import renew_guard

pytestmark = pytest.mark.django_db
NAMES = ["database", "broker", "storage", "workers", "monitor", "evaluator"]


def asked() -> tuple[int, Any]:
    answer = Client(REMOTE_ADDR="10.0.0.1").get("/readyz")
    return answer.status_code, answer.json()


def all_is_well() -> None:
    now = timezone.now()
    Heartbeat.objects.create(name="workers", at=now, asked_at=now - timedelta(seconds=1))
    Heartbeat.objects.create(name="monitor", at=now)
    make_samples(now, 2)
    renew_guard(30)


def test_a_service_that_works_is_ready() -> None:
    all_is_well()
    status, found = asked()
    assert (status, found["ready"]) == (200, True)
    assert list(found["probes"]) == NAMES
    assert all(each["ready"] for each in found["probes"].values())


def test_what_is_not_known_is_not_ready() -> None:
    status, found = asked()
    assert (status, found["ready"]) == (503, False)
    not_ready = [name for name, each in found["probes"].items() if not each["ready"]]
    assert not_ready == ["workers", "monitor", "evaluator"]


def test_workers_that_owe_a_sign_are_not_ready() -> None:
    all_is_well()
    now = timezone.now()
    Heartbeat.objects.filter(name="workers").update(
        asked_at=now - timedelta(seconds=60), at=now - timedelta(seconds=90)
    )
    status, found = asked()
    assert status == 503
    assert found["probes"]["workers"] == {"ready": False, "sentence": "They do not answer."}


def test_a_folder_that_is_gone_is_said_without_its_name(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "gone"
    _, found = asked()
    storage = found["probes"]["storage"]
    assert not storage["ready"]
    assert str(tmp_path) not in storage["sentence"]


def test_a_full_disk_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr("monitoring.probes.shutil.disk_usage", lambda folder: usage(1000))
    answer = the_probes.storage(timezone.now())
    assert answer == Answer(False, "There is no free space for uploads.")


def test_a_storage_elsewhere_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        asked: list[str]

        def listdir(self, name: str) -> tuple[list[str], list[str]]:
            self.asked = [name]
            return [], []

    monkeypatch.setattr(the_probes, "default_storage", elsewhere := Elsewhere())
    assert the_probes.storage(timezone.now()).is_ready
    assert elsewhere.asked


def test_a_probe_that_fails_is_not_ready_and_its_text_is_told_to_nobody() -> None:
    mine = Probes()

    @mine.register("broken")
    def broken(now: object) -> Answer:
        raise RuntimeError("postgresql://user:password@host")

    found = mine.ask(timezone.now())
    assert not found["broken"].is_ready
    assert "password" not in found["broken"].sentence


def test_a_database_that_is_gone_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OperationalError

    monkeypatch.setattr(Heartbeat.objects, "first", refuse, raising=False)
    assert not probes.ask(timezone.now())["database"].is_ready


def test_a_process_that_lives_says_so_whatever_else_is_wrong() -> None:
    answer = Client(REMOTE_ADDR="10.0.0.1").get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
