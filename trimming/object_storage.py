"""Where captures and outputs are kept in a bucket of an S3-compatible server.

What is uploaded goes in parts and is there as a whole or not at all; what is read comes as a stream
from the server, without a copy on the disk.  Whatever the server or the way to it does wrong is an
OSError here, as it would be of a disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property
from typing import IO, Any, Final

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from django.utils import timezone
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_noop
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from trimming.storage import Stored

# an answer to HEAD has no text, so its code is the number
MISSING: Final = ("NoSuchKey", "404")
CONTENT_TYPE: Final = "application/octet-stream"


@contextmanager
def as_of_a_disk(name: str) -> Iterator[None]:
    """Turn what fails into an OSError that names the kind of failure, never an address or a key.

    The errors of the client quote addresses, so they are not kept as its cause.
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "?"))
        if code in MISSING:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from None
        answered = gettext_noop("the object storage answered %(code)s") % {"code": code}
        raise OSError(errno.EIO, answered, name) from None
    except (BotoCoreError, Boto3Error, HTTPError) as error:
        silent = gettext_noop("the object storage cannot be reached (%(kind)s)")
        raise OSError(errno.EIO, silent % {"kind": type(error).__name__}, name) from None


class StoredStream(File):  # type: ignore[type-arg]  # bytes
    """A stored object, read once from its start to its end.  ``ask`` begins its answer."""

    def __init__(self, name: str, ask: Callable[[], dict[str, Any]]) -> None:
        found = ask()
        super().__init__(found["Body"], name)
        self._body: Any = found["Body"]
        self.size = found["ContentLength"]
        self._ask = ask
        self._open = True

    def read(self, amount: int | None = None) -> bytes:
        """Return ``amount`` bytes, fewer only at the end; raises OSError."""
        with as_of_a_disk(str(self.name)):
            if amount is None or amount < 0:
                whole: bytes = self._body.read()
                return whole
            got = bytearray()
            while len(got) < amount and (more := self._body.read(amount - len(got))):
                got += more
            return bytes(got)

    def open(self, mode: str | None = None) -> StoredStream:  # type: ignore[override]  # no more
        """Begin anew from the start."""
        self.close()
        self.file = self._body = self._ask()["Body"]
        self._open = True
        return self

    def seekable(self) -> bool:
        """Return False: it is a stream."""
        return False

    @property
    def closed(self) -> bool:
        """Whether it was let go of."""
        return not self._open

    def close(self) -> None:
        """Let go of the connection, also in the middle."""
        self._open = False
        self._body.close()


@deconstructible
class ObjectStorage(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Django's storage over a bucket; options are those of scaling.captures_storage.

    ``public_endpoint_url`` is the address of the server for browsers, where it is another one.
    """

    part_bytes: int
    connect_seconds: float
    read_seconds: float
    attempts: int
    public_endpoint_url: str | None

    def __init__(self, **options: Any) -> None:
        self._made: tuple[int, Any] | None = None
        super().__init__(**options)
        self.client_config = Config(
            signature_version="s3v4",
            # buckets in the path: servers of one's own have no name for each bucket
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            retries={"mode": "standard", "total_max_attempts": self.attempts},
        )

    def get_default_settings(self) -> dict[str, Any]:
        """Return what may be given, with the defaults."""
        own = {
            "public_endpoint_url": None,
            "part_bytes": 8 << 20,
            "connect_seconds": 3.0,
            "read_seconds": 10.0,
            "attempts": 2,
        }
        return {**super().get_default_settings(), **own}

    @property
    def client(self) -> Any:
        """The client of this process: threads may share one, and a fork must not."""
        if self._made is None or self._made[0] != os.getpid():
            self._made = os.getpid(), self._new_client(self.endpoint_url)
        return self._made[1]

    @cached_property
    def _session(self) -> Any:
        return self._create_session()

    @cached_property
    def _for_browsers(self) -> Any:
        """The client that signs for the address that browsers know; it asks nothing."""
        return self._new_client(self.public_endpoint_url or self.endpoint_url)

    def _new_client(self, endpoint_url: str | None) -> Any:
        return self._session.client(
            "s3",
            region_name=self.region_name,
            endpoint_url=endpoint_url,
            config=self.client_config,
        )

    def _key(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}

    def _open(self, name: str, mode: str = "rb") -> IO[bytes]:
        if mode != "rb":
            raise ValueError("stored objects are written by save(), as a whole")

        def ask() -> dict[str, Any]:
            with as_of_a_disk(name):
                found: dict[str, Any] = self.client.get_object(**self._key(name))
                return found

        stream: Any = StoredStream(name, ask)
        return stream  # type: ignore[no-any-return]  # a File is one

    def _save(self, name: str, content: Any) -> str:
        key = self._key(name)
        with as_of_a_disk(name):
            parts = in_parts(content.chunks(), self.part_bytes)
            first = next(parts, b"")
            if len(first) < self.part_bytes:
                self.client.put_object(**key, Body=first, ContentType=CONTENT_TYPE)
            else:
                self._save_parts(key, first, parts)
        return name

    def _save_parts(self, key: dict[str, str], first: bytes, rest: Iterator[bytes]) -> None:
        begun = self.client.create_multipart_upload(**key, ContentType=CONTENT_TYPE)
        upload = {**key, "UploadId": begun["UploadId"]}
        sent: list[dict[str, Any]] = []
        part: bytes | None = first
        try:
            while part is not None:
                number = len(sent) + 1
                answer = self.client.upload_part(**upload, PartNumber=number, Body=part)
                sent.append({"PartNumber": number, "ETag": answer["ETag"]})
                part = next(rest, None)
            self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": sent})
        except BaseException:
            # what cannot be removed now is removed by drop_unfinished
            with suppress(ClientError, BotoCoreError, HTTPError):
                self.client.abort_multipart_upload(**upload)
            raise

    def exists(self, name: str) -> bool:
        """Tell whether there is an object of that name; raises OSError when nobody knows."""
        try:
            self._head(name)
        except FileNotFoundError:
            # a bucket that is missing answers the same
            try:
                with as_of_a_disk(""):
                    self.client.head_bucket(Bucket=self.bucket_name)
            except FileNotFoundError:
                lacks = gettext_noop("the object storage lacks the bucket")
                raise OSError(errno.EIO, lacks) from None
            return False
        return True

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        with suppress(FileNotFoundError), as_of_a_disk(name):
            self.client.delete_object(**self._key(name))

    def size(self, name: str) -> int:
        """Return the length of an object in bytes."""
        return int(self._head(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        """Return when an object was stored."""
        at: datetime = self._head(name)["LastModified"]
        return at

    def _head(self, name: str) -> dict[str, Any]:
        with as_of_a_disk(name):
            found: dict[str, Any] = self.client.head_object(**self._key(name))
            return found

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of folders and objects right below ``path``."""
        prefix = _folder(path)
        folders, files = [], []
        for page in self._pages("list_objects_v2", prefix, Delimiter="/"):
            folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
            files += [each["Key"] for each in page.get("Contents", ())]
        cut = len(prefix)
        return [name[cut:].rstrip("/") for name in folders], [name[cut:] for name in files]

    def listed(self, folder: str) -> Iterator[Stored]:
        """Yield all objects below ``folder``, however deep."""
        for page in self._pages("list_objects_v2", _folder(folder)):
            for each in page.get("Contents", ()):
                yield Stored(each["Key"], each["LastModified"])

    def _pages(self, operation: str, prefix: str, **more: str) -> Iterator[dict[str, Any]]:
        with as_of_a_disk(prefix):
            yield from self.client.get_paginator(operation).paginate(
                Bucket=self.bucket_name, Prefix=prefix, **more
            )

    def signed_address(self, name: str, disposition: str, content_type: str) -> str:
        """Return an address from which whoever has it may read the object, for a minute.

        ``disposition`` and ``content_type`` are the headers that the server is to answer with.
        """
        wanted = {
            **self._key(name),
            "ResponseContentDisposition": disposition,
            "ResponseContentType": content_type,
            "ResponseCacheControl": "private, no-store",
        }
        with as_of_a_disk(name):
            address: str = self._for_browsers.generate_presigned_url(
                "get_object", Params=wanted, ExpiresIn=self.querystring_expire
            )
        return address

    def url(self, name: str, *_: Any, **__: Any) -> str:
        """Refuse: a download is granted, and noted, by the view alone."""
        raise NotImplementedError("stored objects have no address; see signed_address()")

    def drop_unfinished(self, folder: str, older_than: timedelta) -> int:
        """Remove the parts of uploads that killed processes began; return of how many.

        ``older_than`` is the time since an upload into ``folder`` was begun.
        """
        newest = timezone.now() - older_than
        dropped = 0
        for page in self._pages("list_multipart_uploads", _folder(folder)):
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < newest:
                    about = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                    self.client.abort_multipart_upload(Bucket=self.bucket_name, **about)
                    dropped += 1
        return dropped


def in_parts(chunks: Iterable[bytes], part_bytes: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of ``part_bytes``, of which the last may be shorter."""
    part = bytearray()
    for chunk in chunks:
        part += chunk
        while len(part) >= part_bytes:
            with memoryview(part) as view:
                piece = bytes(view[:part_bytes])
            del part[:part_bytes]
            yield piece
    if part:
        yield bytes(part)


def _folder(path: str) -> str:
    return f"{path.strip('/')}/" if path.strip("/") else ""
