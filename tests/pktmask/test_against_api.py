"""The command against the real API: from an upload to a proof that holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from pktmask.command import main
from pktmask.ended import DONE, LATER
from tests.factories import capture_bytes, make_user
from tests.pktmask_site.api.scripts import issued_to
from tests.trimming.results import finish
from trimming.models import Capture, TrimRun

pytestmark = [
    pytest.mark.slow,
    # the server of the tests waits, which streams are not written for
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous"),
]


def test_from_an_upload_to_a_proof(
    live_server: Any,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    monkeypatch.setenv("PKTMASK_URL", live_server.url)
    monkeypatch.setenv("PKTMASK_TOKEN", issued_to(make_user()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "edge.pcap").write_bytes(capture_bytes())

    assert main(["whoami"]) == DONE
    assert main(["upload", "edge.pcap"]) == DONE
    number = capsys.readouterr().out.splitlines()[-1].split()[0]
    assert main(["report", number]) == LATER
    job = Capture.objects.get(pk=number).current_job
    assert job is not None
    run = finish(job)
    digest = hashlib.sha256(b"out").hexdigest()
    TrimRun.objects.filter(pk=run.pk).update(output_bytes=3, output_sha256=digest)
    for command in (["wait"], ["status"], ["report"], ["download", "-o", "out.pcap"], ["proof"]):
        assert main([*command, number]) == DONE, command
    assert main(["rollout"]) == DONE
    capsys.readouterr()
    proof = f"{number}.proof.json"
    assert main(["verify-proof", proof, "--capture", "out.pcap"]) == DONE
    assert "verification   passed" in capsys.readouterr().out
