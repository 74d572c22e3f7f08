"""Where captures and outputs are kept on a local disk: what was saved survives a power failure."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file: its name in the storage, and when it was stored."""

    name: str
    stored_at: datetime


class DurableFileSystemStorage(FileSystemStorage):
    """A file system storage that syncs a file and all folders above it before it is saved."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]  # of bytes or text
        saved = super()._save(name, content)  # type: ignore[misc]  # private, yet Django's way to extend
        path = Path(self.path(saved))
        _sync(path)
        # a folder may be a new one, also where another process made it: not yet synced, perhaps
        for folder in path.parents:
            _sync(folder)
            if folder == Path(self.location):
                break
        return str(saved)

    def listed(self, folder: str) -> Iterator[Stored]:
        """Yield all files below ``folder``, however deep."""
        root = Path(self.path(""))
        for parent, _folders, names in os.walk(root / folder):
            for path in (Path(parent, name) for name in names):
                try:
                    stored_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                except FileNotFoundError:
                    continue  # it was removed right now
                yield Stored(path.relative_to(root).as_posix(), stored_at)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
