"""The page about the API: its examples work, its description and its tables are true."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from pktmask.command import parser
from pktmask.ended import CODES, DONE
from pktmask.proofs import hold_against
from pktmask_site.api.choices import Scope
from pktmask_site.api.root import api
from tests.factories import capture_bytes, make_job, make_user
from tests.pktmask_site.api.scripts import issued_to
from tests.trimming.results import finish
from trimming.intake import Accepted, take_in
from trimming.models import Capture, TrimRun

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "api.md").read_text()
EXAMPLES = re.findall(
    r"^```sh\n(.*?)^```$", PAGE.split("## Examples")[1].split("\n## ")[0], re.M | re.S
)


@pytest.fixture
def shell(
    live_server: Any, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An environment as the page asks for, in a folder with two captures."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    for number, name in enumerate(("first.pcap", "second.pcapng")):
        (tmp_path / name).write_bytes(capture_bytes(f"body {number}".encode()))
    user = make_user()
    job = make_job(user)
    run = finish(job)
    with_digest(run)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PKTMASK_URL": live_server.url,
        "PKTMASK_TOKEN": issued_to(user),
        "CAPTURE": str(job.capture_id),
    }


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
# the server of the tests waits, which streams are not written for
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")
def test_every_example_does_what_the_page_says(shell: dict[str, str]) -> None:
    said = []
    for example in EXAMPLES:
        done = subprocess.run(
            ["sh", "-euc", example],
            env=shell,
            cwd=shell["HOME"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, ""), example
        said.append(done.stdout)
    _setup, token, uploaded, status, failed, report, proof, result, rollout = said
    assert json.loads(token)["scopes"] == Scope.values
    assert len(json.loads(uploaded)["accepted"]) == 2
    assert Capture.objects.count() == 3
    assert json.loads(status)["state"] == "done"
    assert json.loads(failed)["captures"] == []
    assert json.loads(report)["verdict"] == "ok"
    assert proof == ""
    statement = json.loads((Path(shell["HOME"]) / "trimmed.proof.json").read_text())["statement"]
    hold_against(statement, Path(shell["HOME"]) / "trimmed.pcap")
    assert (result, (Path(shell["HOME"]) / "trimmed.pcap").read_bytes()) == ("", b"out")
    assert json.loads(rollout) == {"rollout": None}


def test_the_description_in_the_docs_is_that_of_the_api(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("describe_api")
    assert capsys.readouterr().out == (DOCS / "openapi.json").read_text()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous")
def test_the_script_with_the_command_ends_with_a_proof_that_holds(
    shell: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shell["HOME"])
    command = folder / "pktmask"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pktmask "$@"\n')
    command.chmod(0o700)
    (folder / "capture.pcap").write_bytes(capture_bytes())
    # a worker that is done at once
    monkeypatch.setattr("trimming.receiving.take_in", done_at_once)
    (script,) = re.findall(r"^```sh\n(set -e\n.*?)^```$", PAGE, re.M | re.S)
    environ = shell | {"PATH": f"{folder}:{shell['PATH']}", "PYTHONPATH": str(DOCS.parent)}
    done = subprocess.run(
        ["sh", "-c", script], env=environ, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "The proof holds." in done.stdout


def done_at_once(*arguments: Any) -> Accepted:
    accepted = take_in(*arguments)
    job = accepted.capture.current_job
    assert job is not None
    with_digest(finish(job))
    return accepted


def with_digest(run: TrimRun) -> None:
    TrimRun.objects.filter(pk=run.pk).update(
        output_bytes=run.output.size, output_sha256=hashlib.sha256(b"out").hexdigest()
    )


def test_every_command_and_every_exit_code_stands_on_the_page() -> None:
    found = rows("The command pktmask")
    names = [row.strip("`").split()[1] for row in found if row.startswith("`pktmask")]
    (subs,) = [each for each in parser()._actions if isinstance(each.choices, dict)]
    assert names == list(subs.choices or ())
    codes = {int(row) for row in found if row.isdigit()}
    assert codes == {DONE, *CODES.values()}


def rows(heading: str) -> list[str]:
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [row.split("|")[0].strip() for row in re.findall(r"^\| (.*) \|$", part, re.M)[2:]]


def test_every_scope_and_every_refusal_stands_on_the_page() -> None:
    assert rows("Tokens") == [f"`{scope.value}`" for scope in Scope]
    described = {
        code
        for path in api.get_openapi_schema()["paths"].values()
        for operation in path.values()
        for code in operation["responses"]
        if int(code) >= 400
    }
    assert set(rows("Refusals")) == {str(code) for code in described} | {"405", "500"}
