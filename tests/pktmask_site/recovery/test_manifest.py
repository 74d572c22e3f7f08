"""What a backup says of itself, and how it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pktmask_site.recovery.manifest import (
    BackupError,
    Manifest,
    Member,
    mark_of,
    parsed,
    unknown_migrations,
)

MANIFEST = Manifest(
    app_version="1.2",
    made_at=datetime(2026, 11, 5, 12, tzinfo=UTC),
    environment="production",
    database="sqlite",
    files_choice="all",
    migrations={"trimming": ("0001_initial", "0002_more")},
    tables=(Member("tables/a.jsonl.zst", 10, "00", rows=3), Member("tables/b.jsonl.zst", 5, "01")),
    files=(Member("files/originals/x", 7, "02"),),
    config=(),
    gone=("originals/y",),
    faults=("z is missing.",),
)


def test_what_is_written_is_read_again() -> None:
    content = MANIFEST.as_bytes()
    assert parsed(content, mark_of(content)) == MANIFEST
    assert (MANIFEST.rows, MANIFEST.size_bytes) == (3, 22)


def test_a_mark_of_another_manifest_is_refused() -> None:
    with pytest.raises(BackupError, match="damaged"):
        parsed(MANIFEST.as_bytes(), mark_of(b"another"))


def refused(content: bytes) -> str:
    with pytest.raises(BackupError) as error:
        parsed(content, mark_of(content))
    return str(error.value)


def test_another_format_names_the_version_that_reads_it() -> None:
    plain = json.loads(MANIFEST.as_bytes())
    assert "made it: 1.2" in refused(json.dumps({**plain, "format": 2}).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1}', b'{"format": 1, "files"'])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    assert refused(content) == "manifest.json is no manifest."


@pytest.mark.parametrize("path", ["/etc/passwd", "files/../../x", ".."])
def test_a_member_outside_of_the_backup_is_refused(path: str) -> None:
    found = replace(MANIFEST, files=(Member(path, 1, "00"),))
    assert refused(found.as_bytes()) == "manifest.json is no manifest."


def test_migrations_that_are_not_known_here_are_told() -> None:
    known = [("trimming", "0001_initial"), ("other", "0002_more")]
    assert unknown_migrations(MANIFEST, known) == (("trimming", "0002_more"),)
    assert unknown_migrations(MANIFEST, [*known, ("trimming", "0002_more")]) == ()
