"""Captures in a bucket of an S3-compatible server, and what that server may do wrong."""

from __future__ import annotations

import errno
import hashlib
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.utils import timezone

from pktmask_site.scaling import DOWNLOAD_SECONDS, Bucket
from tests.buckets import ACCESS_KEY, SECRET_KEY, bucket_at, server_that, storage_of
from trimming.files import CountedFile
from trimming.object_storage import in_parts
from trimming.streams import zip_of

# the least that a server takes as a part that is not the last
PART = 5 << 20
NAME = "originals/one"


@pytest.fixture
def storage(bucket: Bucket) -> Any:
    return storage_of(bucket, part_bytes=PART)


def put(storage: Any, name: str = NAME, data: bytes = b"bytes of a capture") -> str:
    return str(storage.save(name, ContentFile(data)))


def unfinished(storage: Any) -> list[dict[str, Any]]:
    found = storage.client.list_multipart_uploads(Bucket=storage.bucket_name)
    return list(found.get("Uploads", []))


class TestObjects:
    def test_what_is_saved_is_read_again(self, storage: Any) -> None:
        assert put(storage) == NAME
        with storage.open(NAME) as file:
            assert (file.size, file.read()) == (18, b"bytes of a capture")
        assert (storage.exists(NAME), storage.size(NAME)) == (True, 18)
        assert abs(timezone.now() - storage.get_modified_time(NAME)) < timedelta(minutes=5)

    def test_an_empty_file_is_a_file(self, storage: Any) -> None:
        put(storage, data=b"")
        with storage.open(NAME) as file:
            assert (file.read(4), storage.size(NAME)) == (b"", 0)

    def test_what_is_deleted_is_gone_and_may_be_deleted_again(self, storage: Any) -> None:
        put(storage)
        storage.delete(NAME)
        storage.delete(NAME)
        assert not storage.exists(NAME)

    def test_folders_and_files_are_listed_by_their_names(self, storage: Any) -> None:
        for name in ("originals/a", "outputs/x/1", "outputs/x/2", "outputs/y/1"):
            put(storage, name)
        assert storage.listdir("outputs") == (["x", "y"], [])
        assert storage.listdir("outputs/x") == ([], ["1", "2"])
        assert storage.listdir("") == (["originals", "outputs"], [])
        assert storage.listdir("nothing") == ([], [])
        listed = {each.name: each.stored_at for each in storage.listed("outputs")}
        assert list(listed) == ["outputs/x/1", "outputs/x/2", "outputs/y/1"]
        assert listed["outputs/x/1"] == storage.get_modified_time("outputs/x/1")

    @pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART + 7])
    def test_files_of_many_parts_are_whole(self, storage: Any, size: int) -> None:
        data = bytes(range(251)) * (size // 251 + 1)
        put(storage, data=data[:size])
        with storage.open(NAME) as file:
            assert file.read() == data[:size]
        assert unfinished(storage) == []

    def test_a_file_on_its_way_is_hashed_and_told_chunk_by_chunk(
        self, storage: Any, tmp_path: Path
    ) -> None:
        (tmp_path / "output").write_bytes(bytes(PART + 3))
        told: list[int] = []
        with CountedFile(tmp_path / "output", told.append) as file:
            storage.save(NAME, file)
            digest = file.sha256
        assert told == [*range(1 << 20, PART + 1, 1 << 20), PART + 3]
        assert digest == hashlib.sha256(bytes(PART + 3)).hexdigest()

    def test_names_cannot_leave_the_bucket_and_objects_have_no_lasting_address(
        self, storage: Any
    ) -> None:
        with pytest.raises(SuspiciousFileOperation):
            put(storage, "../../another")
        with pytest.raises(NotImplementedError):
            storage.url(NAME)

    def test_parts_are_pieces_of_one_length(self) -> None:
        assert list(in_parts([b"abc", b"", b"defgh", b"i"], 2)) == [
            b"ab",
            b"cd",
            b"ef",
            b"gh",
            b"i",
        ]
        assert list(in_parts([], 2)) == []


class TestStreams:
    def test_a_read_gives_as_much_as_is_asked_until_the_end(self, storage: Any) -> None:
        put(storage, data=b"0123456789")
        with storage.open(NAME) as file:
            assert [file.read(4) for _ in range(4)] == [b"0123", b"4567", b"89", b""]
            assert not file.seekable()

    def test_a_reader_may_leave_in_the_middle_and_begin_anew(self, storage: Any) -> None:
        put(storage, data=bytes(1 << 20))
        file = storage.open(NAME)
        assert file.read(10) == bytes(10)
        file.close()
        assert file.closed
        with file.open() as again:
            assert len(again.read()) == 1 << 20

    def test_chunks_need_no_way_back(self, storage: Any) -> None:
        put(storage, data=b"0123456789")
        assert list(storage.open(NAME).chunks(4)) == [b"0123", b"4567", b"89"]

    def test_an_archive_is_made_of_streams(self, storage: Any) -> None:
        put(storage, "a", b"first")
        put(storage, "b", b"second")
        packed = zip_of(storage, [("a.pcap", "a", 5), ("b.pcap", "b", 6)])
        length = len(packed)
        data = b"".join(packed)
        assert len(data) == length
        assert b"first" in data
        assert b"second" in data

    def test_objects_are_not_opened_for_writing(self, storage: Any) -> None:
        with pytest.raises(ValueError, match="as a whole"):
            storage.open(NAME, "wb")


class Broken(ContentFile):  # type: ignore[type-arg]  # bytes
    """Content that cannot be read to its end."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Give a part and a half."""
        yield bytes(PART)
        yield bytes(PART // 2)
        raise KeyboardInterrupt


class TestUploadsThatBreakOff:
    def test_nothing_of_one_is_seen_or_left(self, storage: Any) -> None:
        with pytest.raises(KeyboardInterrupt):
            storage.save(NAME, Broken(b""))
        assert not storage.exists(NAME)
        assert unfinished(storage) == []

    def test_an_earlier_object_stays_as_it_was(self, storage: Any) -> None:
        put(storage, data=b"before")
        with pytest.raises(KeyboardInterrupt):
            storage.save(NAME, Broken(b""))
        assert storage.open(NAME).read() == b"before"

    def test_parts_of_a_killed_process_are_dropped_when_they_are_old_and_ours(
        self, storage: Any
    ) -> None:
        for name in (NAME, "another/application"):
            begun = storage.client.create_multipart_upload(Bucket=storage.bucket_name, Key=name)
            storage.client.upload_part(
                Bucket=storage.bucket_name,
                Key=name,
                UploadId=begun["UploadId"],
                PartNumber=1,
                Body=b"part",
            )
        # this server says of each that it was begun in 2010
        assert storage.drop_unfinished("originals", timedelta(days=365 * 100)) == 0
        assert storage.drop_unfinished("outputs", timedelta(hours=1)) == 0
        assert storage.drop_unfinished("originals", timedelta(hours=1)) == 1
        assert [each["Key"] for each in unfinished(storage)] == ["another/application"]


Act = Callable[[Any], object]
ACTS: dict[str, Act] = {
    "open": lambda storage: storage.open(NAME).read(),
    "read": lambda storage: list(storage.open(NAME).chunks(4)),
    "save": put,
    "save in parts": lambda storage: put(storage, data=bytes(storage.part_bytes + 1)),
    "exists": lambda storage: storage.exists(NAME),
    "size": lambda storage: storage.size(NAME),
    "delete": lambda storage: storage.delete(NAME),
    "listdir": lambda storage: storage.listdir("originals"),
    "listed": lambda storage: list(storage.listed("originals")),
    "time": lambda storage: storage.get_modified_time(NAME),
    "drop": lambda storage: storage.drop_unfinished("originals", timedelta(0)),
}


def sentence(act: Act, storage: Any) -> str:
    """Return what an act says that fails, after a look for what it must not say."""
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its text is looked at
        act(storage)
    said = f"{caught.value} {caught.value!r}"
    assert caught.value.__cause__ is None
    for secret in (ACCESS_KEY, SECRET_KEY, "127.0.0.1", "http", "payload"):
        assert secret not in said
    assert caught.value.strerror is not None
    return caught.value.strerror


DENIED = b"<Error><Code>AccessDenied</Code><Message>payload</Message></Error>"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def gone() -> Iterator[str]:
    """Give an address at which no server is."""
    with server_that(lambda _: None) as endpoint:
        pass
    yield endpoint


@contextmanager
def too_slow() -> Iterator[str]:
    """Give the address of a server that never answers."""
    held: list[socket.socket] = []
    with server_that(lambda connection: held.append(connection.dup())) as endpoint:
        yield endpoint
    for each in held:
        each.close()


def denies() -> AbstractContextManager[str]:
    """Run a server that lets nobody in."""
    return server_that(lambda it: it.sendall(FORBIDDEN % len(DENIED) + DENIED))


def hangs_up() -> AbstractContextManager[str]:
    """Run a server that ends in the middle of its first word."""
    return server_that(lambda it: it.sendall(b"HT"))


# what is said; an answer to HEAD has no text, and a body on its way ends otherwise than a wait
FAULTS: dict[Callable[[], AbstractContextManager[str]], tuple[str, ...]] = {
    gone: ("cannot be reached (EndpointConnectionError)",),
    denies: ("answered AccessDenied", "answered 403"),
    hangs_up: ("cannot be reached (ConnectionClosedError)",),
    too_slow: (
        "cannot be reached (ReadTimeoutError)",
        "cannot be reached (ConnectionClosedError)",
    ),
}


@pytest.fixture(scope="module", params=FAULTS, ids=lambda fault: fault.__name__)
def faulty(request: pytest.FixtureRequest) -> Iterator[tuple[Any, tuple[str, ...]]]:
    with request.param() as endpoint:
        options = {"attempts": 1, "read_seconds": 0.05, "part_bytes": PART}
        yield storage_of(bucket_at(endpoint), **options), FAULTS[request.param]


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_every_failure_is_that_of_a_disk_with_a_sentence_without_secrets(
    faulty: tuple[Any, tuple[str, ...]], act: Act
) -> None:
    storage, sayings = faulty
    assert sentence(act, storage) in [f"the object storage {each}" for each in sayings]


def test_a_bucket_that_is_missing_is_not_taken_for_an_empty_one(s3_endpoint: str) -> None:
    storage = storage_of(bucket_at(s3_endpoint), part_bytes=PART)
    for name, act in ACTS.items():
        with pytest.raises(OSError) as caught:  # noqa: PT011 - of whatever kind
            act(storage)
        # what is asked of one object cannot know
        assert not isinstance(caught.value, FileNotFoundError) or name in ("size", "time")


@pytest.mark.parametrize("name", ["open", "read"])
def test_an_object_that_ends_too_early_is_not_taken_for_the_whole(name: str) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npayload"
    with server_that(lambda connection: connection.sendall(answer)) as endpoint:
        said = sentence(ACTS[name], storage_of(bucket_at(endpoint), attempts=1))
    assert said.startswith("the object storage cannot be reached (")


@pytest.mark.parametrize("name", ["open", "size", "time"])
def test_an_object_that_is_missing_is_a_file_that_is_not_found(name: str, storage: Any) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ACTS[name](storage)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, NAME)


class TestAddresses:
    def test_an_address_gives_the_object_with_its_name_to_who_has_it_for_a_minute(
        self, storage: Any
    ) -> None:
        put(storage)
        address = storage.signed_address(NAME, 'attachment; filename="é.pcap"', "application/x")
        assert f"X-Amz-Expires={DOWNLOAD_SECONDS}&" in address
        assert SECRET_KEY not in address
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"bytes of a capture"
            assert answer.headers["Content-Type"] == "application/x"
            assert answer.headers["Cache-Control"] == "private, no-store"

    def test_it_names_the_server_that_browsers_know(self, bucket: Bucket) -> None:
        storage = storage_of(bucket, public_endpoint_url="https://files.example")
        address = storage.signed_address(NAME, "attachment", "application/x")
        assert address.startswith(f"https://files.example/{bucket.name}/{NAME}?")

    def test_without_a_key_none_can_be_signed(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        storage = storage_of(bucket, access_key=None, secret_key=None)
        assert "NoCredentialsError" in sentence(
            lambda it: it.signed_address(NAME, "attachment", "application/x"), storage
        )


def test_a_process_that_was_forked_has_a_connection_of_its_own(
    storage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = storage.client
    assert storage.client is mine
    monkeypatch.setattr("trimming.object_storage.os.getpid", lambda: -1)
    assert storage.client is not mine
