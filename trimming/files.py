"""Files: Django's storage is where they are kept, a private local copy is what the engine sees."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db.models.fields.files import FieldFile

from trimming.models import Shadow, TrimRun, output_path

CHUNK_BYTES = 1 << 20
# called with the bytes that are done; may raise to stop
Told = Callable[[int], None]


def work_root() -> Path:
    """Return the folder of private copies, on the file system of the data."""
    root = Path(settings.WORK_ROOT)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return root


@contextmanager
def private_folder(name: str) -> Iterator[Path]:
    """Give a folder that vanishes with everything in it."""
    folder = work_root() / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def private_name(run: TrimRun) -> str:
    """Return the name of the folder of an attempt's private copies."""
    return f"{run.job_id}-{run.attempt}"


def shadow_name(shadow: Shadow) -> str:
    """Return the name of the folder of a comparison's private copy."""
    return f"shadow-{shadow.pk}-{shadow.attempt}"


def remove_leftovers(run: TrimRun) -> None:
    """Remove what a killed attempt left: its private copies on this machine, half an output."""
    shutil.rmtree(work_root() / private_name(run), ignore_errors=True)
    run.output.storage.delete(output_path(run))


def copy_out(stored: FieldFile, target: Path, told: Told) -> None:
    """Copy a stored file to ``target``, chunk by chunk."""
    done = 0
    with stored.storage.open(str(stored.name)) as source, target.open("xb") as file:
        while chunk := source.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            told(done)


class CountedFile(File):  # type: ignore[type-arg]  # bytes
    """A local file on its way into storage: hashed and told while it is read.

    Storage on the same file system takes it as it is, so that nothing is written a second time.
    """

    def __init__(self, path: Path, told: Told) -> None:
        super().__init__(path.open("rb"), name=path.name)
        self._path = str(path)
        self._told = told
        self._digest = hashlib.sha256()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the file from its start."""
        self.seek(0)
        self._digest = hashlib.sha256()
        done = 0
        while chunk := self.read(chunk_size or CHUNK_BYTES):
            self._digest.update(chunk)
            done += len(chunk)
            self._told(done)
            yield chunk

    def temporary_file_path(self) -> str:
        """Return the path of the file, which may be moved away; Django's storages ask for it."""
        for _ in self.chunks():
            pass
        return self._path

    @property
    def sha256(self) -> str:
        """The digest of what was read, as hexadecimal digits."""
        return self._digest.hexdigest()
