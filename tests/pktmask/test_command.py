"""The command, against an installation that answers as the tests say."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipapp
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pktmask.command import main, script
from pktmask.ended import DONE, LATER, NO, NOT_LET_IN, USAGE
from pktmask.proofs import FORMAT, digest_of, keys_as_json, public_key, signed
from tests.pktmask.installation import Answer, Installation, installation

ROOT = Path(__file__).resolve().parents[2]
ID = "00000000-0000-4000-8000-000000000001"
STATE = {
    "id": ID,
    "name": "edge.pcap",
    "state": "done",
    "percent": 100,
    "reason": "",
    "has_result": True,
    "in_quarantine": False,
}
KEPT = {"capture": ID, "name": "edge.pcap", "url": "/", "duplicate": False, "note": ""}
Output = pytest.CaptureFixture[str]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("PKTMASK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PKTMASK_TOKEN", "pktmask_a-token")
    monkeypatch.setattr("pktmask.command.time.sleep", lambda seconds: None)
    return tmp_path


@pytest.fixture
def run(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command at an installation."""

    def run(at: Installation, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setenv("PKTMASK_URL", at.url + "/")
        code = main(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def problem(status: int, detail: str, **more: Any) -> Answer:
    headers = {"Retry-After": "7"} if status == 429 else {}
    return Answer({"status": status, "detail": detail, **more}, status, headers)


def test_a_token_goes_into_the_header_and_its_person_is_told(run: Run) -> None:
    told = {
        "user": "anna",
        "name": "nightly",
        "prefix": "pktmask_abc",
        "scopes": ["read"],
        "expires_at": "2027-01-01T00:00:00Z",
    }
    with installation(Answer(told)) as at:
        code, out, _err = run(at, "whoami")
    assert code == DONE
    assert "anna" in out
    (asked,) = at.asked
    assert asked.path == "/api/v1/token"
    assert asked.headers["Authorization"] == "Bearer pktmask_a-token"


def test_an_upload_sends_files_and_profile_and_prints_ids(run: Run, here: Path) -> None:
    (here / "edge.pcap").write_bytes(b"first")
    (here / 'a "b".pcap').write_bytes(b"second")
    with installation(Answer({"accepted": [KEPT], "refused": []}, 201)) as at:
        code, out, err = run(
            at, "upload", "edge.pcap", 'a "b".pcap', "--profile", "share_safe", "--strategy", "x"
        )
    assert (code, out.split()[0], err) == (DONE, ID, "")
    body = at.asked[0].body
    assert len(body) == int(at.asked[0].headers["Content-Length"])
    for part in (b"share_safe", b'filename="edge.pcap"', b'"a %22b%22.pcap"', b"second"):
        assert part in body


def test_a_file_that_was_refused_is_told_and_the_code_says_no(run: Run, here: Path) -> None:
    (here / "edge.pcap").write_bytes(b"first")
    refused = [{"name": "edge.pcap", "reason": "It is no capture."}]
    with installation(Answer({"accepted": [KEPT], "refused": refused}, 201)) as at:
        code, _out, err = run(at, "upload", "edge.pcap")
    assert (code, err) == (NO, "pktmask: edge.pcap: It is no capture.\n")
    with installation(problem(422, "no", refused=refused)) as at:
        code, _out, err = run(at, "upload", "edge.pcap")
    assert (code, err) == (NO, "pktmask: edge.pcap: It is no capture.\n")


def test_an_upload_can_wait_for_what_becomes_of_it(run: Run, here: Path) -> None:
    (here / "edge.pcap").write_bytes(b"first")
    answers = [
        Answer({"accepted": [KEPT], "refused": []}, 201),
        Answer({**STATE, "state": "running", "percent": 40}),
        Answer(STATE),
    ]
    with installation(*answers) as at:
        code, out, _err = run(at, "upload", "--wait", "edge.pcap")
    assert code == DONE
    assert "done" in out.splitlines()[-1]


def test_a_file_that_is_not_there_is_named_and_nothing_is_sent(run: Run) -> None:
    with installation(Answer({})) as at:
        code, _out, err = run(at, "upload", "none.pcap")
    assert (code, at.asked) == (USAGE, [])
    assert "none.pcap" in err


def test_an_answer_before_the_end_of_an_upload_is_read(run: Run, here: Path) -> None:
    (here / "large.pcap").write_bytes(bytes(20 << 20))
    early = problem(507, "There is not enough space.")
    early.reads = False
    with installation(early) as at:
        code, _out, err = run(at, "upload", "large.pcap")
    assert code == LATER
    # closing with unread bytes may destroy an answer on its way
    assert "enough space" in err or "cannot be reached" in err


@pytest.mark.parametrize(
    ("status", "code"),
    [
        *((401, NOT_LET_IN), (403, NOT_LET_IN), (404, USAGE), (418, USAGE), (422, NO)),
        *((409, LATER), (429, LATER), (500, LATER)),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_installation(
    run: Run, status: int, code: int
) -> None:
    with installation(problem(status, "Do this instead.")) as at:
        assert run(at, "status", ID) == (code, "", "pktmask: Do this instead.\n")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"a": 1}', b""])
def test_a_refusal_by_something_else_is_told_by_its_code(run: Run, body: bytes) -> None:
    with installation(Answer(body, 502)) as at:
        code, _out, err = run(at, "status", ID)
    assert (code, "502" in err) == (LATER, True)


def test_what_is_no_installation_is_told(run: Run) -> None:
    with installation(Answer(b"<html>")) as at:
        code, _out, err = run(at, "rollout")
    assert code == USAGE
    assert "does not answer as PktMask does" in err


def test_an_answer_without_end_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pktmask.client.MAX_ANSWER_BYTES", 10)
    with installation(Answer(b" " * 11)) as at:
        assert run(at, "rollout")[0] == USAGE


@pytest.mark.parametrize("arguments", [("rollout",), ("status", ID)])
def test_an_installation_that_is_not_there_is_told(
    run: Run, arguments: tuple[str, ...], capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation(Answer({})) as at:
        pass
    code, _out, err = run(at, *arguments)
    assert code == LATER
    assert "cannot be reached" in err


def test_a_server_without_tls_is_not_asked_as_if_it_had_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation(Answer({})) as at:
        at.url = at.url.replace("http:", "https:")
        assert run(at, "rollout")[0] == LATER
    assert at.asked == []


@pytest.mark.parametrize("arguments", [("rollout",), ("download", ID)])
def test_a_connection_that_breaks_is_for_later_and_leaves_nothing(
    run: Run, here: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise ConnectionResetError(104, "Connection reset by peer")

    with installation(Answer({})) as at:
        monkeypatch.setattr("http.client.HTTPResponse.read", fail)
        assert run(at, *arguments)[0] == LATER
    assert list(here.iterdir()) == []


def test_who_reads_no_more_is_written_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    turned: list[int] = []
    monkeypatch.setattr("pktmask.command.os.dup2", lambda _to, what: turned.append(what))
    monkeypatch.setattr("pktmask.client.Client.get", broken_pipe)
    with installation(Answer({})) as at:
        monkeypatch.setenv("PKTMASK_URL", at.url)
        assert main(["rollout"]) == DONE
    assert turned == [sys.stdout.fileno()]


def broken_pipe(*_: object) -> None:
    raise BrokenPipeError


def test_an_answer_that_is_cut_off_is_for_later(run: Run) -> None:
    with installation(Answer({"a": 1}, promised=99)) as at:
        assert run(at, "rollout")[0] == LATER


@pytest.mark.parametrize("url", ["", "console.example", "ftp://console.example", "https://"])
def test_without_an_address_it_is_asked_for(
    url: str, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_URL", url)
    assert main(["whoami"]) == USAGE
    assert "PKTMASK_URL" in capsys.readouterr().err


def test_without_a_token_it_is_asked_for(
    run: Run, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PKTMASK_TOKEN")
    with installation(Answer({})) as at:
        code, _out, err = run(at, "whoami")
    assert (code, at.asked) == (NOT_LET_IN, [])
    assert "PKTMASK_TOKEN" in err


def test_a_token_does_not_go_over_a_network_in_the_clear(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKTMASK_URL", "http://console.invalid")
    assert main(["whoami"]) == USAGE
    assert "Use https" in capsys.readouterr().err
    monkeypatch.setenv("PKTMASK_ALLOW_HTTP", "1")
    assert main(["whoami"]) == LATER


def test_a_token_is_not_sent_on_to_where_a_download_leads(run: Run, here: Path) -> None:
    with installation(Answer(b"out")) as storage:
        there = {"Location": f"{storage.url}/signed"}
        with installation(Answer(status=302, headers=there)) as at:
            code, _out, _err = run(at, "download", ID, "-o", "x.pcap")
    assert (code, (here / "x.pcap").read_bytes()) == (DONE, b"out")
    assert "Authorization" in at.asked[0].headers
    assert "Authorization" not in storage.asked[0].headers


def test_an_upload_is_not_sent_on(run: Run, here: Path) -> None:
    (here / "edge.pcap").write_bytes(b"first")
    with installation(Answer(status=301, headers={"Location": "https://new.example/x"})) as at:
        code, _out, err = run(at, "upload", "edge.pcap")
    assert (code, "new.example" in err) == (USAGE, True)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('attachment; filename="edge.trimmed.pcap"', "edge.trimmed.pcap"),
        ('attachment; filename="../../etc/cron.d/x"', "x"),
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename=".."', f"{ID}.pcap"),
        ("", f"{ID}.pcap"),
    ],
)
def test_a_download_goes_into_this_folder_whatever_the_server_says(
    run: Run, here: Path, given: str, name: str
) -> None:
    with installation(Answer(b"out", headers={"Content-Disposition": given})) as at:
        code, out, _err = run(at, "download", ID)
    assert (code, out) == (DONE, f"{name}: 3 bytes\n")
    assert [each.name for each in here.iterdir()] == [name]


def test_a_file_that_is_there_is_kept_unless_told_otherwise(run: Run, here: Path) -> None:
    (here / "x.pcap").write_bytes(b"mine")
    with installation(Answer(b"out")) as at:
        code, _out, err = run(at, "download", ID, "-o", "x.pcap")
        assert (code, (here / "x.pcap").read_bytes()) == (USAGE, b"mine")
        assert "--force" in err
        assert run(at, "download", ID, "-o", "x.pcap", "--force")[0] == DONE
    assert (here / "x.pcap").read_bytes() == b"out"


def test_a_download_that_ends_early_leaves_nothing(run: Run, here: Path) -> None:
    with installation(Answer(b"out", promised=10)) as at:
        assert run(at, "download", ID, "-o", "x.pcap")[0] == LATER
    assert list(here.iterdir()) == []


def test_a_folder_that_is_not_there_is_told(run: Run) -> None:
    with installation(Answer(b"out")) as at:
        code, _out, err = run(at, "download", ID, "-o", "none/x.pcap")
    assert (code, "cannot be written" in err) == (USAGE, True)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, DONE),
        ({"state": "failed", "has_result": False, "reason": "It is broken."}, NO),
        ({"in_quarantine": True}, NO),
    ],
)
def test_waiting_ends_with_what_became_of_it(run: Run, change: dict[str, Any], code: int) -> None:
    busy = problem(503, "The storage does not answer.")
    waiting = Answer({**STATE, "state": "waiting", "has_result": False})
    with installation(waiting, busy, Answer({**STATE, **change})) as at:
        assert run(at, "wait", ID)[0] == code
    assert len(at.asked) == 3


def test_what_does_not_end_in_time_is_for_later(run: Run) -> None:
    with installation(Answer({**STATE, "state": "waiting"})) as at:
        code, _out, err = run(at, "wait", ID, "--timeout", "0")
    assert (code, ID in err) == (LATER, True)


def test_who_may_not_look_does_not_wait(run: Run) -> None:
    with installation(problem(403, "This token lacks a scope.")) as at:
        assert run(at, "wait", ID)[0] == NOT_LET_IN


def test_whole_answers_are_written_as_json(run: Run) -> None:
    with installation(Answer(STATE)) as at:
        _code, out, _err = run(at, "status", ID, ID, "--json")
    assert [json.loads(line) for line in out.splitlines()] == [STATE, STATE]


@pytest.mark.parametrize("report", [None, {}])
def test_a_report_is_told_in_lines(run: Run, report: dict[str, Any] | None) -> None:
    if report is not None:
        report |= {"packets": 7, "masked_bytes": 40, "requests": 1, "responses": 1}
        report["not_understood"] = "Every payload byte was understood or masked."
    told = {
        "capture": ID,
        "strategy": "legacy",
        "strategy_version": "1",
        "profile": "standard",
        "profile_version": 1,
        "verdict": "ok",
        "output_sha256": "1f" * 32,
        "report": report,
    }
    with installation(Answer(told)) as at:
        code, out, _err = run(at, "report", ID)
    assert code == DONE
    assert ("masked 40 bytes" in out) == (report is not None)


def test_the_rollout_is_told_in_lines(run: Run) -> None:
    found = {
        "name": "winter",
        "state": "running",
        "share": 0.05,
        "verdict": "hold",
        "reason": "More runs are needed.",
        "phases": [{"phase": "canary", "state": "running"}],
        "gates": [{"rule": "runs", "verdict": "inconclusive", "message": "7 of 9", "is_dry": True}],
    }
    with installation(Answer({"rollout": found}), Answer({"rollout": None})) as at:
        _code, out, _err = run(at, "rollout")
        assert "winter: running, 5 % to scanning" in out
        assert "runs (dry run): 7 of 9" in out
        assert run(at, "rollout")[1] == "There was no rollout yet.\n"
    bare = {**found, "share": None, "reason": "", "phases": [], "gates": []}
    with installation(Answer({"rollout": bare})) as at:
        assert run(at, "rollout")[1] == "winter: running\n"


def test_nothing_that_is_told_moves_the_cursor(run: Run) -> None:
    with installation(Answer({**STATE, "name": "\x1b[2Jx\r.pcap"})) as at:
        _code, out, _err = run(at, "status", ID)
    assert "\x1b" not in out
    assert "\r" not in out


def test_who_has_seen_enough_ends_it_quietly() -> None:
    with installation(Answer({**STATE, "name": "x" * 60_000})) as at:
        environ = {**os.environ, "PKTMASK_URL": at.url, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "pktmask", "status", *[ID] * 3]
        with subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(60) == DONE


def test_as_one_file_it_ends_with_its_exit_code(tmp_path: Path) -> None:
    # as `make command` makes it
    line = re.search(r"--main (\S+)", (ROOT / "Makefile").read_text())
    assert line is not None
    whole = tmp_path / "whole"
    shutil.copytree(ROOT / "pktmask", whole / "pktmask")
    file = tmp_path / "pktmask"
    zipapp.create_archive(whole, file, main=line[1])
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, file, "whoami"], env=environ, capture_output=True)
    assert done.returncode == USAGE
    assert b"PKTMASK_URL" in done.stderr


def test_the_process_ends_with_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["pktmask", "whoami"])
    with pytest.raises(SystemExit) as ended:
        script()
    assert ended.value.code == USAGE


def test_an_interrupt_ends_it_quietly(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pktmask.client.Client.get", interrupt)
    with installation(Answer({})) as at:
        assert run(at, "rollout") == (130, "", "")


def test_it_needs_no_django_and_nothing_that_is_not_in_python() -> None:
    code = (
        "import sys; before = set(sys.modules); import pktmask.command;"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}"
        " - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['pktmask']"


# --- proofs ---------------------------------------------------------------------------------------
SEED = bytes(range(32))


@pytest.fixture
def proved(here: Path) -> dict[str, Path]:
    """A proof, its keys and its capture, as files."""
    files = {name: here / name for name in ("proof.json", "keys.json", "out.pcap")}
    files["out.pcap"].write_bytes(b"out")
    statement = {
        "format": FORMAT,
        "capture": {"id": ID, "name": "edge.pcap"},
        "input": {"sha256": "0" * 64},
        "output": {"sha256": digest_of(files["out.pcap"])},
        "profile": {"name": "standard", "version": 1},
        "counts": {"masked_bytes": 5, "packets": 7},
        "verification": {"passed": True},
        "trimmed_at": "2026-11-29T00:00:00Z",
        "made_by": "PktMask 0.1.0",
    }
    files["proof.json"].write_text(json.dumps(signed(statement, SEED)))
    files["keys.json"].write_text(json.dumps(keys_as_json([public_key(SEED)])))
    return files


@pytest.mark.parametrize("key", ["keys.json", base64.b64encode(public_key(SEED)).decode()])
def test_a_proof_is_verified_with_a_file_of_keys_or_one_key(
    proved: dict[str, Path], key: str, capsys: Output
) -> None:
    assert main(["verify-proof", "proof.json", "--key", key, "--capture", "out.pcap"]) == DONE
    assert "The proof holds." in capsys.readouterr().out


def test_a_proof_is_verified_with_the_keys_that_the_installation_tells(
    run: Run, proved: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PKTMASK_TOKEN")
    with installation(Answer(proved["keys.json"].read_bytes())) as at:
        assert run(at, "verify-proof", "proof.json")[0] == DONE
    assert at.asked[0].path == "/proof-keys.json"


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("out.pcap", b"other", NO),
        ("out.pcap", None, USAGE),
        ("proof.json", b"{}", NO),
        ("proof.json", b"\xff", USAGE),
        ("proof.json", None, USAGE),
        ("keys.json", b"no key", USAGE),
        ("keys.json", None, USAGE),
    ],
)
def test_what_does_not_hold_is_told_by_the_code(
    proved: dict[str, Path], file: str, content: bytes | None, code: int, capsys: Output
) -> None:
    if content is None:
        proved[file].unlink()
    else:
        proved[file].write_bytes(content)
    arguments = ["verify-proof", "proof.json", "--key", "keys.json", "--capture", "out.pcap"]
    assert main(arguments) == code
    said = capsys.readouterr()
    assert said.err.startswith("pktmask: ")
    assert said.out == ""


def test_a_proof_is_downloaded(run: Run, here: Path) -> None:
    with installation(Answer({"statement": {}})) as at:
        assert run(at, "proof", ID)[:2] == (DONE, f"{ID}.proof.json\n")
    assert json.loads((here / f"{ID}.proof.json").read_text()) == {"statement": {}}
