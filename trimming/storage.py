"""Where captures and outputs are kept on a local disk: what was saved survives a power failure."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class DurableFileSystemStorage(FileSystemStorage):
    """A file system storage that syncs a file and its folder before it says that it is saved."""

    def _save(self, name: str, content: File) -> str:  # type: ignore[type-arg]  # of bytes or text
        saved = super()._save(name, content)  # type: ignore[misc]  # private, yet Django's way to extend
        path = Path(self.path(saved))
        _sync(path)
        _sync(path.parent)
        return str(saved)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
