"""Files that survive a power failure, and digests of them."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import IO, Final

CHUNK_BYTES: Final = 1 << 20


def sync(path: Path) -> None:
    """Have a file or a folder written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Have all files and folders below ``folder``, and itself, written to the disk."""
    for root, _folders, names in os.walk(folder):
        for name in names:
            sync(Path(root, name))
        sync(Path(root))


def make_folders(path: Path) -> None:
    """Make a folder and those above it that are missing, for this user only, durably."""
    if path.is_dir():
        return
    make_folders(path.parent)
    path.mkdir(exist_ok=True, mode=0o700)
    sync(path.parent)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(data)
    sync(unfinished)
    unfinished.replace(path)
    sync(path.parent)


def sha256_of(path: Path) -> tuple[int, str]:
    """Return size and SHA-256 of a file."""
    with path.open("rb") as file:
        return sha256_of_open(file)


def sha256_of_open(file: IO[bytes]) -> tuple[int, str]:
    """Return size and SHA-256 of what can be read of an open file."""
    digest, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name; where that is not possible, copy it.

    Stored files are never changed, only removed, so the second name keeps what is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without links
        copy(source, target)


def copy(source: Path, target: Path) -> None:
    """Copy a file, for this user only."""
    with source.open("rb") as file:
        write(file, target)


def write(source: IO[bytes], target: Path) -> None:
    """Write what can be read of an open file into a new one, for this user only."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with target.open("xb") as new:
        os.fchmod(new.fileno(), 0o600)
        shutil.copyfileobj(source, new, CHUNK_BYTES)
