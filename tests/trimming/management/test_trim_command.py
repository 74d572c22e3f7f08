"""The command as a person meets it: what it prints, what it leaves, how it ends."""

from __future__ import annotations

import builtins
import contextlib
import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.captures import Conversation, Frame, pcap, request, response
from tests.trimming.management.conftest import ROOT, Finished, Run, in_own_process

# a look at what a process has written; the process needs the processor more
LOOK_SECONDS = 0.02
SECRET = b"the secret of the house " * 20


def capture_bytes() -> bytes:
    conversation = Conversation()
    conversation.handshake()
    conversation.client(request(target="/a?token=1", fields=(("Cookie", "k=v"),)))
    conversation.server(response(body=SECRET))
    conversation.fin()
    return conversation.pcap()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.pcap"
    path.write_bytes(capture_bytes())
    return path


def assert_refused(run: Finished, folder: Path, *words: str) -> None:
    assert run.returncode == 2, run.stderr
    assert len(run.stderr.splitlines()) == 1, run.stderr
    for word in words:
        assert word in run.stderr
    assert "secret" not in run.stderr
    assert not list(folder.glob("out*"))
    assert not list(folder.glob(".*"))


def test_a_capture_is_trimmed_and_the_table_says_what_was_done(
    trim: Run, source: Path, tmp_path: Path
) -> None:
    run = trim(source, tmp_path / "out.pcap")
    assert run.returncode == 0, run.stderr
    out = (tmp_path / "out.pcap").read_bytes()
    assert len(out) == len(source.read_bytes())
    assert b"secret" not in out
    assert b"Cookie: k=v" in out
    assert "1 requests, 1 responses" in run.stdout
    assert "verification" in run.stdout
    assert "passed" in run.stdout


def test_json_is_one_object_with_the_whole_report(trim: Run, source: Path, tmp_path: Path) -> None:
    run = trim(source, tmp_path / "out.pcap", "--json")
    report = json.loads(run.stdout)
    assert report["bytes_by_class"]["body"] == len(SECRET)
    assert report["masked_bytes"] == len(SECRET)
    assert report["strategy"] == "legacy"
    assert report["verification"]["passed"] is True
    assert report["latency_ms"] == pytest.approx(report["duration_ms"] / 2, rel=0.01)
    assert "secret" not in run.stdout


def test_without_verification_nothing_is_said_of_it(
    trim: Run, source: Path, tmp_path: Path
) -> None:
    run = trim(source, tmp_path / "out.pcap", "--no-verify", "--json")
    assert json.loads(run.stdout)["verification"] is None


@pytest.mark.parametrize("name", ["out.pcap.gz", "out.pcap.zst"])
def test_the_output_is_packed_as_its_name_says(
    trim: Run, source: Path, tmp_path: Path, name: str
) -> None:
    assert trim(source, tmp_path / name).returncode == 0
    assert trim(source, tmp_path / "plain.pcap").returncode == 0
    packed = (tmp_path / name).read_bytes()
    plain = (
        gzip.decompress(packed)
        if name.endswith("gz")
        else zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    )
    assert plain == (tmp_path / "plain.pcap").read_bytes()


def test_a_file_cut_in_mid_record_is_trimmed_up_to_there_with_a_warning(
    trim: Run, tmp_path: Path
) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(capture_bytes()[:-5])
    run = trim(source, tmp_path / "out.pcap", "--json")
    assert run.returncode == 0
    report = json.loads(run.stdout)
    assert report["left_out_bytes"] > 0
    assert "left out" in report["warnings"][0]["reason"]
    assert (tmp_path / "out.pcap").stat().st_size == source.stat().st_size - report[
        "left_out_bytes"
    ]


def test_an_unknown_link_type_is_kept_and_counted(trim: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(pcap([b"whatever it is"] * 3, link_type=147))
    run = trim(source, tmp_path / "out.pcap", "--json")
    report = json.loads(run.stdout)
    assert report["unknown_link_types"] == {"147": 3}
    assert report["left_bytes"] == {"link type 147": 42}
    assert "link type 147: 42 B" in report["not_understood"]
    assert (tmp_path / "out.pcap").read_bytes() == source.read_bytes()


def test_a_capture_without_packets_is_no_mistake(trim: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(pcap([]))
    assert trim(source, tmp_path / "out.pcap").returncode == 0
    assert (tmp_path / "out.pcap").read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("in.pcap", "byte 0", "expected a pcap", "an empty file")),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), ("in.pcap", "a PNG picture")),
        (b"not a capture at all", ("in.pcap", "expected a pcap")),
        (
            capture_bytes()[:24] + bytes(8) + b"\xff\xff\xff\xff" * 2 + bytes(100),
            ("in.pcap", "byte 32", "4294967295"),
        ),
        (capture_bytes()[:30], ("in.pcap", "at least one whole packet")),
        (gzip.compress(capture_bytes())[:-8] + bytes(8), ("in.pcap", "damaged")),
    ],
    ids=["empty", "picture", "text", "length of 4 GiB", "no whole packet", "damaged gzip"],
)
def test_what_is_no_capture_is_refused_with_one_line(
    trim: Run, tmp_path: Path, content: bytes, words: tuple[str, ...]
) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(content)
    assert_refused(trim(source, tmp_path / "out.pcap"), tmp_path, *words)


def test_a_gzip_bomb_is_refused_at_the_limit(trim: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.pcap.gz"
    source.write_bytes(gzip.compress(pcap([bytes(60_000)] * 400)))
    profile = tmp_path / "profile.yaml"
    profile.write_text("limits: {max_unpacked_bytes: 1000000}\n")
    run = trim(source, tmp_path / "out.pcap", "--profile", profile)
    assert_refused(run, tmp_path, "in.pcap.gz", "at most 1000000 unpacked bytes", "max_unpacked")


def test_no_space_left_is_said_and_nothing_stays(
    trim: Run, tmp_path: Path, small_disk: Path
) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(pcap([Frame(bytes(60_000))] * 10))
    run = trim(source, small_disk / "out.pcap")
    assert_refused(run, small_disk, "out.pcap", "no space left")


def test_a_missing_input_is_refused(trim: Run, tmp_path: Path) -> None:
    run = trim(tmp_path / "missing.pcap", tmp_path / "out.pcap")
    assert_refused(run, tmp_path, "missing.pcap", "No such file")


def test_a_folder_is_no_input(trim: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert_refused(trim(folder, tmp_path / "out.pcap"), tmp_path, "folder", "Is a directory")


def test_an_unreadable_input_is_refused(
    trim: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root reads everything, so the refusal of the system is brought about
    real = builtins.open

    def refuse(path: object, *arguments: Any, **options: Any) -> Any:
        if str(path).endswith("in.pcap"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)  # type: ignore[call-overload]  # passed through

    monkeypatch.setattr(builtins, "open", refuse)
    run = trim(source, tmp_path / "out.pcap")
    monkeypatch.undo()
    assert_refused(run, tmp_path, "in.pcap", "Permission denied")


def test_an_output_in_a_missing_folder_is_refused(trim: Run, source: Path, tmp_path: Path) -> None:
    run = trim(source, tmp_path / "missing" / "out.pcap")
    assert_refused(run, tmp_path, "missing", "does not exist")


@pytest.mark.parametrize("name", ["in.pcap", "link.pcap"])
def test_the_output_must_not_be_the_input(
    trim: Run, source: Path, tmp_path: Path, name: str
) -> None:
    before = source.read_bytes()
    (tmp_path / "link.pcap").symlink_to(source)
    assert_refused(trim(source, tmp_path / name), tmp_path, name, "must not be the input")
    assert source.read_bytes() == before


def test_an_output_that_is_a_folder_is_refused(trim: Run, source: Path, tmp_path: Path) -> None:
    run = trim(source, tmp_path)
    assert_refused(run, tmp_path, "found a folder")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--strategy", "quick"), ("quick", "legacy")),
        (("--profile", "share-safe"), ("share-safe", "did you mean 'share_safe'")),
        (("--profile", "missing.yaml"), ("missing.yaml", "No such file")),
    ],
)
def test_wrong_choices_name_what_is_allowed(
    trim: Run, source: Path, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    assert_refused(trim(source, tmp_path / "out.pcap", *arguments), tmp_path, *words)


def test_an_own_profile_is_read_from_a_file(trim: Run, source: Path, tmp_path: Path) -> None:
    profile = tmp_path / "mine.yaml"
    profile.write_text("base: share_safe\nbody_keep_bytes: 3\n")
    run = trim(source, tmp_path / "out.pcap", "--profile", profile, "--json")
    report = json.loads(run.stdout)
    assert report["profile"] == "mine"
    assert report["bytes_by_class"]["sample"] == 3
    out = (tmp_path / "out.pcap").read_bytes()
    assert b"k=v" not in out
    assert b"token=1" not in out
    assert b"token=x" in out


def test_the_same_input_gives_the_same_output(trim: Run, source: Path, tmp_path: Path) -> None:
    for name in ("out1.pcap.gz", "out2.pcap.gz"):
        assert trim(source, tmp_path / name).returncode == 0
    assert (tmp_path / "out1.pcap.gz").read_bytes() == (tmp_path / "out2.pcap.gz").read_bytes()


@pytest.mark.slow
def test_a_process_of_its_own_trims_and_exits_with_zero(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pcap"
    run = in_own_process("trim", source, out)
    assert run.returncode == 0, run.stderr
    assert out.exists()


@pytest.mark.slow
def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(pcap([capture_bytes()[:1400]] * 30_000))
    run = subprocess.Popen(
        [sys.executable, "manage.py", "trim", str(source), str(tmp_path / "out.pcap")],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    # the hidden file appears when the strategy is done and writing begins
    while run.poll() is None and not list(tmp_path.glob(".*")):
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(LOOK_SECONDS)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate()
    assert run.returncode == 130, said
    assert "nothing was left behind" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.pcap"]
