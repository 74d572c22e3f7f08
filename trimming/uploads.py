"""Files of the upload form on their way to disk: named, recognised, hashed and synced.

A file that is refused ends at once, with what was written of it, and the others go on.  What is
received lies in FILE_UPLOAD_TEMP_DIR, for the storage to take over by a rename; what nobody took
over vanishes with the request.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, NoReturn

import structlog
from django.conf import settings
from django.core.exceptions import TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from config.languages.told import told
from trimming.conf import trimming_settings
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import MAGIC_BYTES
from trimming.names import NameRefusedError, checked_name, shown
from trimming.quantities import limit
from trimming.recognition import check_magic, recognise, refusal

log = structlog.get_logger("pktmask.uploads")

UPLOAD_FIELD: Final = "files"
# the views that take captures in; who has another one adds it here
UPLOAD_VIEWS: Final = {"trimming:upload"}
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
# large enough that hashing and writing give other threads the time, small enough for many at once
CHUNK_BYTES: Final = 1 << 18
# browsers write these characters of a name so, because a header cannot hold them
BROWSER_ESCAPES: Final = {"%22": '"', "%0D": "\r", "%0A": "\n"}

Parsed = tuple[QueryDict, MultiValueDict[str, "ReceivedCapture"]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not taken: its name, safe to show, and a sentence."""

    name: str
    reason: str


def is_upload_path(path_info: str) -> bool:
    """Whether captures are taken in there."""
    try:
        return resolve(path_info).view_name in UPLOAD_VIEWS
    except Resolver404:
        return False


def refused_uploads(request: HttpRequest) -> list[Refusal]:
    """Return what was refused while the form of ``request`` was read; read its FILES before."""
    found: list[Refusal] = getattr(request, "refused_uploads", [])
    return found


def stale_uploads(older_than: timedelta) -> Iterator[Path]:
    """Yield the files in FILE_UPLOAD_TEMP_DIR that nobody has written to for so long."""
    newest = (timezone.now() - older_than).timestamp()
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with contextlib.suppress(FileNotFoundError):  # an upload of right now ended
            if path.is_file() and path.stat().st_mtime < newest:
                yield path


def remove_stale_uploads(older_than: timedelta) -> int:
    """Remove what killed processes left in FILE_UPLOAD_TEMP_DIR; return how many files.

    ``older_than`` is the time since a file was last written to.
    """
    removed = 0
    for path in stale_uploads(older_than):
        with contextlib.suppress(FileNotFoundError):  # an upload of right now ended
            path.unlink()
            removed += 1
    if removed:
        log.warning("stale_uploads_removed", count=removed)
    return removed


class ReceivedCapture(UploadedFile):  # type: ignore[type-arg]  # bytes; not generic at run time
    """A capture in FILE_UPLOAD_TEMP_DIR, whole and synced.  ``size`` is in bytes.

    Opened only when it is read, so that a form of many files does not hold as many open.
    """

    def __init__(
        self, path: Path, name: str, size: int, sha256: str, file_format: str, content_type: str
    ) -> None:
        self._path = path
        self._opened: IO[bytes] | None = None
        self._remove = weakref.finalize(self, path.unlink, missing_ok=True)
        super().__init__(None, name, content_type, size)
        self.sha256 = sha256
        self.file_format = file_format

    @property
    def file(self) -> IO[bytes]:
        """The file, open for reading."""
        if self._opened is None or self._opened.closed:
            self._opened = self._path.open("rb")
        return self._opened

    @file.setter
    def file(self, value: IO[bytes] | None) -> None:
        """Ignore what Django's classes set: the path was given."""

    @property
    def closed(self) -> bool:
        """Whether no file is open."""
        return self._opened is None or self._opened.closed

    def temporary_file_path(self) -> str:
        """Return where the file lies; Django's storage keeps it by a rename."""
        return str(self._path)

    def close(self) -> None:
        """Close the file, and remove it if no storage took it over."""
        if self._opened is not None:
            self._opened.close()
        self._remove()


class CaptureUploadHandler(FileUploadHandler):
    """Reads the upload form; files in any other form are skipped."""

    chunk_size = CHUNK_BYTES

    def handle_raw_input(  # type: ignore[override]  # the stubs allow no answer but None
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: bytes,
        encoding: str | None = None,
    ) -> Parsed:
        """Return the fields and the files of the form."""
        refused: list[Refusal] = []
        takes_files = False
        if self.request is not None:
            takes_files = is_upload_path(self.request.path_info)
            self.request.refused_uploads = refused  # type: ignore[attr-defined]  # ours
        receiver = Receiver(refused, takes_files=takes_files)
        try:
            return FormParser(META, input_data, receiver, encoding).parse()
        finally:
            receiver.drop()


class FormParser(MultiPartParser):
    """Django's parser, except that names arrive as they were sent, to be refused and not mended."""

    _parse: Callable[[], Parsed]
    _post: QueryDict
    _files: MultiValueDict[str, ReceivedCapture]

    def __init__(
        self, meta: dict[str, Any], input_data: Any, receiver: Receiver, encoding: str | None
    ) -> None:
        super().__init__(meta, input_data, [receiver], encoding)
        self._post, self._files = QueryDict(), MultiValueDict()
        self._receiver = receiver

    def sanitize_file_name(self, file_name: str) -> str:
        """Return the name as it was before the browser put it into a header."""
        for escaped, character in BROWSER_ESCAPES.items():
            file_name = file_name.replace(escaped, character)
        return file_name

    def parse(self) -> Parsed:
        """Return fields and files; those before a part that cannot be read are kept."""
        try:
            return self._parse()
        except BaseException as error:
            reason = _why_not_on(error)
            if reason is not None and self._receiver.takes_files:
                self._receiver.stop(reason)
                return self._post, self._files
            for _name, files in self._files.lists():
                for file in files:
                    file.close()
            raise


def _why_not_on(error: BaseException) -> str | None:
    """Say why the rest of a form is not read, where that is the form's fault."""
    if isinstance(error, TooManyFilesSent):
        return _("Only the first %(count)d files were taken. Upload the others after them.") % {
            "count": settings.DATA_UPLOAD_MAX_NUMBER_FILES
        }
    if isinstance(error, MultiPartParserError):
        return _(
            "The rest of the form could not be read; the name of a file may be too long. "
            "Nothing of it was stored."
        )
    return None


class Receiver(FileUploadHandler):
    """Takes one file after the other; ``refused`` grows by those that are not taken."""

    chunk_size = CHUNK_BYTES

    def __init__(self, refused: list[Refusal], *, takes_files: bool) -> None:
        super().__init__()
        self.takes_files = takes_files
        self._refused = refused
        self._limit_bytes = trimming_settings().max_upload_bytes
        self._name = ""
        self._magic = b""
        self._incoming: Incoming | None = None
        self._is_open = False

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        """Check the name."""
        super().new_file(field_name, file_name, *args, **kwargs)
        self.drop()
        self._name, self._magic = shown(file_name), b""
        if not self.takes_files or field_name != UPLOAD_FIELD:
            raise SkipFile
        try:
            self._name = checked_name(file_name)
        except NameRefusedError as error:
            self._refuse(f"{error.reason} {_('Nothing was stored.')}")
        self._is_open = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write and hash; nothing is written before the first bytes look like a capture."""
        if start + len(raw_data) > self._limit_bytes:
            self._refuse(too_large(self._limit_bytes))
        try:
            if self._incoming is None:
                raw_data = self._magic + raw_data
                self._magic = raw_data[:MAGIC_BYTES]
                if len(raw_data) < MAGIC_BYTES:
                    return
                check_magic(self._magic)
                self._incoming = Incoming()
            self._incoming.write(raw_data)
        except InputError as error:
            self._refuse(refusal(error))
        except OSError as error:
            self._refuse(cannot_write(error))

    def file_complete(self, file_size: int) -> ReceivedCapture | None:
        """Return the capture, or None when its bytes are none."""
        self._is_open = False
        try:
            return self._complete(file_size)
        except InputError as error:
            reason = refusal(error)
        except OSError as error:
            reason = cannot_write(error)
        with contextlib.suppress(SkipFile):  # there is nothing left to skip
            self._refuse(reason)
        return None

    def _complete(self, file_size: int) -> ReceivedCapture:
        if self._incoming is None:
            check_magic(self._magic)  # says that it is empty, or what it is
            self._incoming = Incoming()
            self._incoming.write(self._magic)
        sha256 = self._incoming.finish()
        file_format = recognise(self._incoming.path)
        received = ReceivedCapture(
            self._incoming.path,
            self._name,
            file_size,
            sha256,
            file_format,
            self.content_type or "",
        )
        self._incoming = None
        return received

    def upload_interrupted(self) -> None:
        """Refuse the file in which the form ended; also called after one that was refused."""
        if self._is_open:
            with contextlib.suppress(SkipFile):
                self._refuse(_("The upload ended early. Nothing was stored; upload it again."))

    def stop(self, reason: str) -> None:
        """Refuse the rest of a form that is not read on, and the file where that was found."""
        self.upload_interrupted()
        self._refused.append(Refusal("", reason))

    def drop(self) -> None:
        """Remove what was written of a file that is not complete."""
        if self._incoming is not None:
            self._incoming.discard()
            self._incoming = None

    def _refuse(self, reason: str) -> NoReturn:
        self.drop()
        self._is_open = False
        self._refused.append(Refusal(self._name, reason))
        log.info("upload_refused", reason=reason)
        raise SkipFile


class Incoming:
    """A file that is being written, readable by nobody else, and hashed on the way."""

    def __init__(self) -> None:
        descriptor, path = tempfile.mkstemp(
            prefix="upload-", suffix=".part", dir=settings.FILE_UPLOAD_TEMP_DIR
        )
        self.path = Path(path)
        self._file = os.fdopen(descriptor, "wb")
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Append ``data``; raises OSError."""
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> str:
        """Sync and close; return the digest as hexadecimal digits.  Raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove the file."""
        with contextlib.suppress(OSError):  # closing writes what is left, also to a full disk
            self._file.close()
        self.path.unlink(missing_ok=True)


def too_large(limit_bytes: int) -> str:
    """Say that a file is over the limit."""
    return _("Larger than the %(limit)s that are accepted. Nothing was stored.") % {
        "limit": limit(limit_bytes)
    }


def cannot_write(error: OSError) -> str:
    """Say that the disk, or the storage elsewhere, failed."""
    why = {"error": told(error.strerror or type(error).__name__)}
    if error.errno in FULL:
        return (
            _(
                "Could not be written (%(error)s). Nothing was stored. "
                "Upload it again when there is space, or ask an administrator."
            )
            % why
        )
    return (
        _(
            "Could not be written (%(error)s). Nothing was stored. "
            "Upload it again in a minute, or ask an administrator."
        )
        % why
    )
