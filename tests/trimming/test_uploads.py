"""Files of a form on their way to disk.  What is refused leaves nothing behind."""

from __future__ import annotations

import errno
import gc
import gzip
import hashlib
import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from tests.captures import pcap
from tests.factories import capture_bytes
from tests.upload_forms import BOUNDARY, CONTENT_TYPE, form_body
from trimming import uploads
from trimming.conf import TrimmingSettings
from trimming.uploads import ReceivedCapture, Refusal, refused_uploads, remove_stale_uploads

PATH = "/captures/upload/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)
CAPTURE = capture_bytes()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    return tmp_path


def post(body: bytes, path: str = PATH) -> HttpRequest:
    return RequestFactory().post(path, body, content_type=CONTENT_TYPE)


def read(request: HttpRequest) -> tuple[list[ReceivedCapture], list[Refusal]]:
    received = request.FILES.getlist("files")
    assert all(isinstance(file, ReceivedCapture) for file in received)
    return received, refused_uploads(request)  # type: ignore[return-value]  # checked above


def refusal_of(name: str, data: bytes) -> Refusal:
    received, refused = read(post(form_body([(name, data)])))
    assert not received
    (refusal,) = refused
    return refusal


def test_a_capture_is_received_with_its_digest_size_and_format(folder: Path) -> None:
    request = post(form_body([("edge 1.pcap", CAPTURE)], {"profile": 7}))
    (file,), refused = read(request)
    assert not refused
    assert request.POST["profile"] == "7"
    assert (file.name, file.size, file.file_format) == ("edge 1.pcap", len(CAPTURE), "pcap")
    assert file.sha256 == hashlib.sha256(CAPTURE).hexdigest()
    path = Path(file.temporary_file_path())
    assert path.parent == folder
    assert path.stat().st_mode & 0o777 == 0o600
    assert file.read() == CAPTURE
    assert b"".join(file.chunks()) == CAPTURE
    assert not file.closed
    request.close()


def test_a_capture_larger_than_many_chunks_arrives_whole() -> None:
    data = gzip.compress(pcap([os.urandom(60_000) for _ in range(20)]))
    request = post(form_body([("a.pcap.gz", data), ("b.pcap.gz", data)]))
    received, _ = read(request)
    assert [file.sha256 for file in received] == [hashlib.sha256(data).hexdigest()] * 2
    assert received[0].file_format == "pcap, gzip"
    request.close()


@pytest.mark.parametrize("size", [24, 25, 31])
def test_small_captures_of_every_length_arrive_whole(size: int) -> None:
    # fewer bytes than one look at the start takes come with the last chunk
    request = post(form_body([("a.pcap", pcap([b"1234567"])[: 24 if size < 40 else size])]))
    (file,), _ = read(request)
    assert file.size == 24
    request.close()


def test_a_storage_on_the_same_disk_takes_the_file_by_a_rename(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = post(form_body([("a.pcap", CAPTURE)]))
    (file,), _ = read(request)
    before = Path(file.temporary_file_path()).stat().st_ino
    storage = FileSystemStorage(location=folder / "kept")
    stored = Path(storage.path(storage.save("one", file)))
    assert stored.stat().st_ino == before
    request.close()
    assert stored.read_bytes() == CAPTURE


def test_what_nobody_took_vanishes_with_the_request(folder: Path) -> None:
    request = post(form_body([("a.pcap", CAPTURE), ("b.pcap", CAPTURE)]))
    received, _ = read(request)
    received[0].read()
    assert len(list(folder.iterdir())) == 2
    request.close()
    assert not list(folder.iterdir())


def test_what_nobody_took_vanishes_although_nobody_closed_it(folder: Path) -> None:
    request = post(form_body([("a.pcap", CAPTURE)]))
    assert request.FILES
    del request
    gc.collect()
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../x.pcap", "holds a path"),
        ("..%2Fx.pcap/../y", "holds a path"),
        ("C:\\\\captures\\\\x.pcap", "holds a path"),
        ("a\x01b.pcap", "control character"),
        ("a%0Ab.pcap", "control character"),
        ("a\u202eb.pcap", "control character"),
        ("n" * 295 + ".pcap", "300 characters"),
        ("名" * 290, "290 characters"),
    ],
)
def test_names_that_cannot_be_kept_are_refused_and_not_mended(
    name: str, words: str, folder: Path
) -> None:
    refusal = refusal_of(name, CAPTURE)
    assert words in refusal.reason
    assert refusal.reason.endswith("Nothing was stored.")
    assert "\x01" not in refusal.name
    assert len(refusal.name) <= 60
    assert not list(folder.iterdir())


def test_a_name_that_is_too_long_for_a_form_is_refused_with_the_rest_of_it(folder: Path) -> None:
    files = [("first.pcap", CAPTURE), ("second.pcap", CAPTURE), ("n" * 2000, CAPTURE)]
    request = post(form_body(files, {"profile": 3}))
    received, refused = read(request)
    assert request.POST["profile"] == "3"
    assert [file.name for file in received] == ["first.pcap"]
    assert [refusal.name for refusal in refused] == ["second.pcap", ""]
    assert "too long" in refused[1].reason
    request.close()
    assert not list(folder.iterdir())


def test_of_too_many_files_the_first_ones_are_taken(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    request = post(form_body([(f"{index}.pcap", CAPTURE) for index in range(4)]))
    received, refused = read(request)
    assert [file.name for file in received] == ["0.pcap", "1.pcap"]
    assert [refusal.name for refusal in refused] == [""]
    assert "Only the first 2 files" in refused[0].reason
    request.close()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"abc", "Not a capture"),
        (pcap([])[:4], "24 bytes"),
        (PNG, "a PNG picture"),
        (gzip.compress(PNG), "a PNG picture"),
        (pcap([])[:20], "24 bytes"),
        (pcap([]) + bytes(8) + b"\xff" * 8, "4294967295"),
    ],
)
def test_what_is_no_capture_is_refused(data: bytes, words: str, folder: Path) -> None:
    refusal = refusal_of("a.pcap", data)
    assert refusal.name == "a.pcap"
    assert words in refusal.reason
    assert not list(folder.iterdir())


def test_nothing_is_written_of_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr(uploads, "Incoming", fail)
    assert "a PNG picture" in refusal_of("a.pcap", PNG * 2000).reason


def test_a_file_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    limited = TrimmingSettings(max_upload_bytes=300_000)
    monkeypatch.setattr(uploads, "trimming_settings", lambda: limited)
    files = [("large.pcap", pcap([bytes(60_000)] * 6)), ("small.pcap", pcap([bytes(60_000)] * 4))]
    request = post(form_body(files))
    received, refused = read(request)
    assert [file.name for file in received] == ["small.pcap"]
    assert [refusal.name for refusal in refused] == ["large.pcap"]
    assert "Larger than the 300 kB" in refused[0].reason
    assert len(list(folder.iterdir())) == 1
    request.close()


def test_bad_files_do_not_hinder_good_ones() -> None:
    bad = {2: ("../2.pcap", CAPTURE), 9: ("9.pcap", PNG), 19: ("19.pcap", b"")}
    files = [bad.get(index, (f"{index}.pcap", CAPTURE)) for index in range(20)]
    request = post(form_body(files))
    received, refused = read(request)
    assert len(received) == 17
    assert [refusal.name for refusal in refused] == ["../2.pcap", "9.pcap", "19.pcap"]
    request.close()


@pytest.mark.parametrize("call", ["write", "finish"])
def test_a_full_disk_is_said_and_leaves_nothing(
    call: str, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(uploads.Incoming, call, full)
    refusal = refusal_of("a.pcap", CAPTURE)
    assert "No space left" in refusal.reason
    assert "Nothing was stored" in refusal.reason
    assert not list(folder.iterdir())


def test_a_form_that_ends_in_a_file_refuses_that_file(folder: Path) -> None:
    body = form_body([("a.pcap", CAPTURE), ("b.pcap", CAPTURE)])
    request = post(body[: -len(CAPTURE)])
    received, refused = read(request)
    assert [file.name for file in received] == ["a.pcap"]
    assert [refusal.name for refusal in refused] == ["b.pcap"]
    assert "ended early" in refused[0].reason
    assert len(list(folder.iterdir())) == 1
    request.close()


def test_an_error_while_reading_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    real = uploads.Incoming.write
    seen: list[int] = []

    def fail(self: uploads.Incoming, data: bytes) -> None:
        real(self, data)
        seen.append(len(data))
        if len(seen) == 2:
            raise RuntimeError("unforeseen")

    monkeypatch.setattr(uploads.Incoming, "write", fail)
    request = post(form_body([("a.pcap", CAPTURE), ("b.pcap", CAPTURE)]))
    with pytest.raises(RuntimeError):
        assert request.FILES
    assert not list(folder.iterdir())


def test_files_in_other_forms_and_other_fields_are_skipped(folder: Path) -> None:
    elsewhere = post(form_body([("a.pcap", CAPTURE)], {"name": "x"}), "/sign-in/")
    assert not elsewhere.FILES
    assert elsewhere.POST["name"] == "x"
    other_field = post(form_body([("a.pcap", CAPTURE)], field="picture"))
    assert not other_field.FILES
    assert not refused_uploads(other_field)
    assert not list(folder.iterdir())


def test_no_chosen_file_is_no_file() -> None:
    # browsers send a part without a name then
    request = post(form_body([("", b"")], {"profile": 1}))
    received, refused = read(request)
    assert not received
    assert not refused


def test_a_broken_form_elsewhere_is_still_an_error() -> None:
    from django.http.multipartparser import MultiPartParserError

    request = post(form_body([("n" * 2000, b"")]), "/sign-in/")
    with pytest.raises(MultiPartParserError):
        assert request.FILES


@pytest.fixture
def open_before() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_many_files_do_not_hold_as_open_before(open_before: int) -> None:
    request = post(form_body([(f"{index}.pcap", CAPTURE) for index in range(50)]))
    received, _ = read(request)
    assert len(received) == 50
    assert len(os.listdir("/proc/self/fd")) < open_before + 10
    request.close()


def test_stale_files_are_removed_and_fresh_ones_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "upload-old.part").write_bytes(b"old")
    (folder / "upload-new.part").write_bytes(b"new")
    written = (folder / "upload-new.part").stat().st_mtime
    os.utime(folder / "upload-old.part", (written - 7200, written - 7200))
    assert remove_stale_uploads(timedelta(hours=1)) == 1
    assert [path.name for path in folder.iterdir()] == ["upload-new.part"]
    assert remove_stale_uploads(timedelta(hours=1)) == 0


def test_a_form_without_a_request_takes_no_files() -> None:
    handler = uploads.CaptureUploadHandler(None)
    body = form_body([("a.pcap", CAPTURE)], {"name": "x"})
    meta = {"CONTENT_TYPE": CONTENT_TYPE, "CONTENT_LENGTH": str(len(body))}
    post_fields, files = handler.handle_raw_input(
        io.BytesIO(body), meta, len(body), BOUNDARY.encode()
    )
    assert post_fields["name"] == "x"
    assert not files


def test_an_error_without_a_text_is_named_by_its_kind() -> None:
    assert "OSError" in uploads.cannot_write(OSError())
