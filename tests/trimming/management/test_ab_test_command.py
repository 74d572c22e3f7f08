"""The command as a person meets it: what it prints, what it keeps, how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import execute_from_command_line
from django.test import override_settings

from tests.captures import pcap
from tests.factories import capture_bytes
from tests.trimming.ab_test.rows import comparison, row
from tests.trimming.engine.test_real_captures import CAPTURES, SHARED, needs_captures
from tests.trimming.management.conftest import ROOT, Finished, without_settings
from trimming.models import OfflineTest

SECRET = "the secret of the house"
# a look at what a process has written; the process needs the processor more
LOOK_SECONDS = 0.02
OBEDIENT = {"scanning": "tests.trimming.ab_test.strategies:Obedient"}


def run(*arguments: object) -> Finished:
    """Run the command in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            execute_from_command_line(["manage.py", "ab_test", *map(str, arguments)])
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Finished(code, out.getvalue(), err.getvalue())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two captures and a note."""
    folder = tmp_path / "captures"
    (folder / "deep").mkdir(parents=True)
    (folder / "one.pcap").write_bytes(capture_bytes(b"one"))
    (folder / "deep" / "two.pcap").write_bytes(capture_bytes(b"two"))
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what running is made to say, so that no process is started."""
    said = [row(1), row(2)]

    def run_all(captures: Any, terms: Any, done: Any) -> list[dict[str, Any]]:
        for _ in captures:
            done()
        return said

    monkeypatch.setattr("trimming.ab_test.running.run_all", run_all)
    return said


class TestHowItEnds:
    """Exit codes, and what is printed with each."""

    def test_all_that_match_end_with_zero_and_a_table(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        done = run("--captures", folder)
        assert done.returncode == 0, done.stderr
        assert "2 captures: 2 matched" in done.stdout
        assert "capture-1.pcap" in done.stdout
        assert "skipped notes.txt: expected a pcap" in done.stdout

    def test_what_differs_ends_with_one_and_comes_first(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        changed = row(9, outcome="mismatched", compared=comparison(leaked=7), reason="7 leaked")
        rows.append(changed)
        done = run("--captures", folder)
        assert done.returncode == 1
        assert done.stdout.index("capture-9.pcap") < done.stdout.index("capture-1.pcap")
        assert "capture-9.pcap: 7 leaked" in done.stdout

    def test_json_is_one_object_and_nothing_else(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        done = run("--captures", folder, "--json", "--sample", "0.999", "--seed", "3")
        found = json.loads(done.stdout)
        assert (found["schema"], found["version"]) == ("pktmask.ab_test", 1)
        assert (found["sample"], found["seed"]) == (0.999, 3)
        assert found["summary"]["outcomes"]["matched"] == len(found["captures"]) == 2
        assert found["skipped"][0]["file"] == "notes.txt"
        assert str(folder) not in done.stdout

    def test_the_page_is_written_whole(
        self, folder: Path, rows: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        done = run("--captures", folder, "--html", tmp_path / "page.html")
        assert done.returncode == 0, done.stderr
        assert "</html>" in (tmp_path / "page.html").read_text()
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["page.html"]

    @pytest.mark.django_db
    def test_a_result_is_kept_under_its_name(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        done = run("--captures", folder, "--store", " before 1.1 ", "--json")
        kept = OfflineTest.objects.get()
        assert (kept.name, kept.captures, kept.actor) == ("before 1.1", 2, None)
        assert kept.result == json.loads(done.stdout)

    def test_of_many_captures_the_first_are_shown_and_the_rest_is_counted(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        rows.extend(row(number) for number in range(3, 104))
        assert "and 3 more" in run("--captures", folder).stdout

    def test_duplicates_and_what_is_not_in_the_sample_are_named(
        self, folder: Path, rows: list[dict[str, Any]]
    ) -> None:
        (folder / "again.pcap").write_bytes((folder / "one.pcap").read_bytes())
        for number in range(20):
            (folder / f"{number}.pcap").write_bytes(capture_bytes(f"number {number}".encode()))
        said = run("--captures", folder, "--sample", "0.5").stdout
        assert "counted once: one.pcap is the same as again.pcap" in said
        assert "not in the sample of 0.5:" in said


class TestWrongUsage:
    """Every refusal is one sentence, comes before any work, and changes nothing."""

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--captures", "missing"), "missing: No such file"),
            (("--captures", "captures/one.pcap"), "one.pcap: Not a directory"),
            (("--captures", "empty"), "empty: holds no capture"),
            (("--captures", "captures", "--sample", "1e-9"), "the sample is empty: none of 2"),
            (("--captures", "captures", "--html", "missing/page.html"), "missing/page.html"),
            (("--captures", "captures", "--html", "empty"), "empty: is a folder"),
            (("--captures", "captures", "--store", " "), "a name of 1 to 200 characters"),
            (("--captures", "captures", "--store", "x" * 201), "a name of 1 to 200 characters"),
            (("--captures", "captures", "--profile", "share-safe"), "did you mean 'share_safe'"),
        ],
    )
    def test_is_refused_with_one_sentence(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
    ) -> None:
        monkeypatch.chdir(folder.parent)
        (folder.parent / "empty").mkdir()
        done = run(*arguments)
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert done.stdout == ""

    @pytest.mark.parametrize(
        ("option", "value", "words"),
        [
            ("--sample", "0", "--sample takes a share above 0"),
            ("--sample", "1.5", "--sample takes a share above 0"),
            ("--sample", "nan", "--sample takes a share above 0"),
            ("--sample", "half", "--sample takes a number,"),
            ("--repeat", "0", "takes a whole number from 1"),
            ("--jobs", "-1", "takes a whole number from 1"),
            ("--seed", "9" * 5000, "a whole number from 0"),
            ("--seed", "x", "a whole number from 0"),
            ("--deadline", "0", "takes a number of seconds above 0"),
        ],
    )
    def test_of_a_number_says_which_are_allowed(
        self, folder: Path, option: str, value: str, words: str
    ) -> None:
        done = run("--captures", folder, f"{option}={value}")
        assert done.returncode == 2
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1

    def test_without_a_database_storing_is_refused_before_the_work(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django.db import DatabaseError

        def fail() -> bool:
            raise DatabaseError

        monkeypatch.setattr(OfflineTest.objects, "exists", fail)
        done = run("--captures", folder, "--store", "name")
        assert done.returncode == 2
        assert "run manage.py migrate first" in done.stderr

    def test_a_system_without_processes_ends_the_test(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> None:
            raise OSError(11, "Resource temporarily unavailable")

        monkeypatch.setattr("trimming.ab_test.running.run_all", fail)
        done = run("--captures", folder)
        assert done.returncode == 2
        assert "the test could not go on: Resource temporarily unavailable" in done.stderr


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Finished]:
    """Return a folder with the page, and how the command ended with a treatment that fails."""
    place = tmp_path_factory.mktemp("misbehaving")
    (place / "captures").mkdir()
    for word in ("chat", "leak", "crash", "die"):
        body = f"please {word}, {SECRET}".encode()
        (place / "captures" / f"{word}.pcap").write_bytes(capture_bytes(body))
    (place / "captures" / "cut.pcap").write_bytes(capture_bytes()[:30])
    with override_settings(TRIMMING_STRATEGIES=OBEDIENT):
        page = ("--html", place / "page.html")
        done = run("--captures", place / "captures", "--json", "--jobs", 2, *page)
    return place, done


def is_there(folder: Path, beginning: str) -> bool:
    """Tell whether anything below ``folder`` has such a name; what vanishes meanwhile is not."""
    return any(
        name.startswith(beginning)
        for _, folders, names in os.walk(folder)
        for name in (*folders, *names)
    )


@pytest.mark.slow
class TestWithProcesses:
    """The whole way, with a treatment that does as captures say."""

    def test_each_capture_ends_as_it_should(self, misbehaving: tuple[Path, Finished]) -> None:
        done = misbehaving[1]
        assert done.returncode == 1, done.stderr
        found = {each["file"]: each for each in json.loads(done.stdout)["captures"]}
        assert {name: each["outcome"] for name, each in found.items()} == {
            "chat.pcap": "matched",
            "crash.pcap": "failed",
            "cut.pcap": "refused",
            "die.pcap": "failed",
            "leak.pcap": "failed",
        }
        assert "ValueError at strategies.py" in found["crash.pcap"]["reason"]
        assert "killed by signal SIGKILL" in found["die.pcap"]["reason"]
        assert "failed its verification" in found["leak.pcap"]["reason"]

    def test_a_leak_is_found_by_verification_and_by_comparing_each_alone(
        self, misbehaving: tuple[Path, Finished]
    ) -> None:
        found = json.loads(misbehaving[1].stdout)
        (leak,) = [each for each in found["captures"] if each["file"] == "leak.pcap"]
        assert leak["scanning"]["outcome"] == "strategy_failure"
        assert leak["comparison"]["leaked_bytes"] == len(f"please leak, {SECRET}")
        assert found["summary"]["leaking_captures"] == 1

    def test_what_ran_is_measured_and_named(self, misbehaving: tuple[Path, Finished]) -> None:
        found = json.loads(misbehaving[1].stdout)
        assert found["strategies"]["scanning"] == "0.7"
        (chat,) = [each for each in found["captures"] if each["file"] == "chat.pcap"]
        for role in ("legacy", "scanning"):
            assert chat[role]["seconds"] > 0
            assert chat[role]["peak_memory_bytes"] >= chat[role]["start_memory_bytes"] > 1 << 20
        assert chat["legacy"]["output_sha256"] == chat["scanning"]["output_sha256"]
        success = found["summary"]["success"]
        assert (success["legacy"]["succeeded"], success["legacy"]["runs"]) == (4, 4)
        assert (success["scanning"]["succeeded"], success["scanning"]["runs"]) == (1, 4)

    def test_no_payload_and_no_path_is_told_anywhere(
        self, misbehaving: tuple[Path, Finished]
    ) -> None:
        place, done = misbehaving
        page = (place / "page.html").read_text()
        for text in (done.stdout, done.stderr, page):
            assert SECRET not in text
            assert str(place) not in text
        assert sorted(path.name for path in place.iterdir()) == ["captures", "page.html"]

    def test_repetitions_are_run_and_agree(self, folder: Path) -> None:
        done = run("--captures", folder / "deep", "--repeat", 2, "--json")
        assert done.returncode == 0, done.stdout
        assert json.loads(done.stdout)["repeat"] == 2

    @pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
    @pytest.mark.parametrize("amid", ["pktmask-warm-", ".output."])
    def test_interrupted_it_leaves_nothing_behind(
        self, tmp_path: Path, sent: signal.Signals, amid: str
    ) -> None:
        captures, scratch = tmp_path / "captures", tmp_path / "scratch"
        captures.mkdir()
        scratch.mkdir()
        (captures / "large.pcap").write_bytes(pcap([capture_bytes()[:1400]] * 100_000))
        with subprocess.Popen(
            [sys.executable, "manage.py", "ab_test", "--captures", str(captures), "--json"],
            cwd=ROOT,
            env={**without_settings(), "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            # kernels are being compiled, or an output is being written
            while process.poll() is None and not is_there(scratch, amid):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
            children = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(sent)
            said, complaint = process.communicate()
        assert process.returncode == 130, complaint
        assert "nothing was left behind" in complaint
        assert said == ""
        assert children
        assert not any(child.is_running() for child in children)
        assert list(scratch.iterdir()) == []

    @needs_captures
    @pytest.mark.long  # one by one they are compared in tests/trimming/engine
    def test_on_the_captures_of_others_both_strategies_agree(self) -> None:
        done = run("--captures", SHARED / "captures", "--sample", 0.1, "--json")
        found = json.loads(done.stdout)
        assert done.returncode == 0, found["summary"]
        assert 0 < len(found["captures"]) < len(CAPTURES)
        assert found["summary"]["leaked_bytes"] == 0
        assert [each["file"] for each in found["skipped"]] == ["README.md"]
