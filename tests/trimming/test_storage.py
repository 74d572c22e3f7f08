"""What was saved is on the disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from trimming.storage import DurableFileSystemStorage


def test_a_file_and_all_folders_above_it_are_synced_before_it_counts_as_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> Any:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        return real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    storage = DurableFileSystemStorage(location=tmp_path)
    name = storage.save("a/folder/file", ContentFile(b"x"))
    assert synced == [str(tmp_path / each) for each in ("a/folder/file", "a/folder", "a", "")]
    assert (tmp_path / name).read_bytes() == b"x"
