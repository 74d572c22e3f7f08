"""What is in a capture never reaches a log, whatever is done with it and whatever fails."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.roles import ADMINISTRATOR
from migration.choices import Move, PhaseName
from monitoring.health.check import check_now
from tests.factories import capture_bytes, make_job, make_user, standard
from tests.migration.traffic import in_phase, move
from tests.pktmask_site.ecs_lines import lines, logged, problems
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import jobs, runner
from trimming.engine.formats.capture import CaptureFile
from trimming.models import Capture, TrimJob

pytestmark = pytest.mark.django_db
JSON = "application/json"
MARK = b"Zq7-the-payload-Zq7"
SHAPES = (MARK.decode(), MARK.hex(), base64.b64encode(MARK)[:-4].decode(), repr(MARK)[2:-1])


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    for mode in ("COMPARISON", "AB_TEST", "SCANNING"):
        monkeypatch.setenv(f"PKTMASK_ROUTING__PERMIT_{mode}", "true")


@pytest.fixture
def written() -> Iterator[StringIO]:
    with logged() as found:
        yield found


class Quoting:
    """A strategy that says what it has read when it fails."""

    name, version = "quoting", "1"

    def plan(self, capture: CaptureFile, *_: Any) -> None:
        """Fail with the payload in the text."""
        raise ValueError(f"cannot read {MARK!r}")


def actions(written: StringIO) -> list[str]:
    """Return what happened, after seeing that the lines are right and hold no payload."""
    text = written.getvalue()
    for shape in SHAPES:
        assert shape not in text
    found = lines(written)
    for line in found:
        assert problems(line) == []
    return [line["event"].get("action", "") for line in found]


@pytest.mark.parametrize("strategy", ["legacy", "scanning"])
def test_a_capture_that_is_uploaded_trimmed_and_downloaded_leaves_no_payload(
    written: StringIO, strategy: str
) -> None:
    client = Client()
    client.force_login(make_user(ADMINISTRATOR))
    about = {"profile": standard().pk, "strategy": strategy}
    body = form_body([("edge.pcap", capture_bytes(MARK))], about)
    answer = client.post(
        reverse("trimming:upload"), body, content_type=CONTENT_TYPE, headers={"Accept": JSON}
    )
    assert answer.json()["refused"] == []
    job = TrimJob.objects.get()
    runner.run_job(job.pk, "one/1")
    client.get(reverse("trimming:download", args=[Capture.objects.get().pk]))
    found = actions(written)
    assert {"run-started", "run-published"} <= set(found)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(capture_bytes(MARK)[:24] + MARK * 9, id="no capture behind its header"),
        pytest.param(capture_bytes(MARK)[:-5], id="cut off in a record"),
        pytest.param(MARK * 9, id="no capture at all"),
    ],
)
def test_a_capture_that_cannot_be_used_leaves_no_payload(written: StringIO, data: bytes) -> None:
    runner.run_job(make_job(make_user(), data).pk, "one/1")
    assert "run-started" in actions(written)


def test_a_strategy_that_quotes_what_it_read_leaves_no_payload(
    written: StringIO, settings: Any
) -> None:
    settings.TRIMMING_STRATEGIES = {"legacy": f"{__name__}:Quoting"}
    runner.run_job(make_job(make_user(), capture_bytes(MARK)).pk, "one/1")
    assert "run-ended" in actions(written)


def test_checks_of_health_and_moves_of_rollouts_are_told_with_their_reasons(
    written: StringIO,
) -> None:
    check_now(timezone.now() - timedelta(seconds=1))
    service, rollout = in_phase(PhaseName.AB_TEST)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    found = actions(written)
    assert {"health-checked", "rollout-moved", "policy-published"} <= set(found)
    (moved,) = [
        line
        for line in lines(written)
        if line["event"].get("action") == "rollout-moved"
        and line["pktmask"]["move"] == Move.ROLL_BACK.value
    ]
    assert moved["event"]["reason"]
    assert moved["rule"]["name"] == "errors"
    assert moved["pktmask"]["state"] == "rolled_back"
