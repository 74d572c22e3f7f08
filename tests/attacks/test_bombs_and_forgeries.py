"""Small files that unpack to large ones, and messages to workers that nobody of ours sent."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import zstandard
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django_q.signing import SignedPackage

from tests.factories import capture_bytes, make_user, standard
from tests.trimming.admin_pages import client_of
from trimming.engine.options import Limits
from trimming.models import Capture
from trimming.recognition import recognise

LARGE: Final = 64 << 20


def zipped(data: bytes, times: int) -> bytes:
    """Return an archive within an archive, and so on."""
    for number in range(times):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for copy in range(10 if number else 1):
                archive.writestr(f"{number}-{copy}.pcap", data)
        data = written.getvalue()
    return data


def bombs() -> dict[str, bytes]:
    """Return bombs, each some kilobytes long."""
    begun = capture_bytes()
    many = gzip.compress(begun + bytes(LARGE))
    return {
        "zip.pcap": zipped(bytes(LARGE), 3),
        "packed twice.pcap.gz": gzip.compress(gzip.compress(bytes(LARGE))),
        "zeros.pcap.gz": gzip.compress(bytes(LARGE)),
        "zeros.pcap.zst": zstandard.compress(bytes(LARGE)),
        "begun well.pcap.gz": many,
        "in members.pcap.gz": gzip.compress(begun) + gzip.compress(bytes(LARGE)) * 3,
    }


@pytest.mark.django_db
def test_bombs_are_refused_each_with_a_sentence_and_a_capture_beside_them_is_taken(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MEDIA_ROOT, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "files", tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    # the limit is 8 GiB; the bombs of a test are smaller
    small = partial(recognise, limits=Limits(max_unpacked_bytes=LARGE // 2))
    monkeypatch.setattr("trimming.uploads.recognise", small)
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    given = {**bombs(), "good.pcap": capture_bytes()}
    files = [SimpleUploadedFile(name, data) for name, data in given.items()]
    answer = client_of(make_user()).post(
        "/captures/upload/",
        {"profile": standard().pk, "files": files},
        headers={"Accept": "application/json"},
    )
    found = answer.json()
    assert [each["name"] for each in found["accepted"]] == ["good.pcap"]
    assert sorted(each["name"] for each in found["refused"]) == sorted(bombs())
    assert all(each["reason"].endswith("Nothing was stored.") for each in found["refused"])
    assert Capture.objects.count() == 1
    assert list(settings.FILE_UPLOAD_TEMP_DIR.iterdir()) == []


class Planted:
    """Would do something when it is unpickled."""

    done = False

    def __reduce__(self) -> Any:
        return (setattr, (Planted, "done", True))


def test_a_message_that_was_not_signed_with_our_key_is_not_unpacked() -> None:
    genuine = SignedPackage.dumps({"func": "trimming.tasks.run"})
    assert SignedPackage.loads(genuine) == {"func": "trimming.tasks.run"}
    planted = signing.b64_encode(pickle.dumps(Planted())).decode()
    stamp = genuine.split(":", 1)[1]
    forged = signing.dumps(Planted(), key="another key", salt="pktmask", serializer=Pickled)
    for message in (planted, f"{planted}:{stamp}", forged, genuine[:-1]):
        with pytest.raises(signing.BadSignature):
            SignedPackage.loads(message)
    assert not Planted.done


class Pickled:
    """Packs as the queue does."""

    @staticmethod
    def dumps(value: Any) -> bytes:
        """Return the bytes of a value."""
        return pickle.dumps(value)

    @staticmethod
    def loads(data: bytes) -> Any:
        """Return the value of bytes."""
        return pickle.loads(data)
