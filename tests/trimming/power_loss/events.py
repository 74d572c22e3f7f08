"""What processes do to files, as far as it matters when power is lost.  Names are relative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file was opened that may not have been there."""

    name: str


@dataclass(frozen=True, slots=True)
class MadeFolder:
    """A folder was made."""

    name: str


@dataclass(frozen=True, slots=True)
class Wrote:
    """Bytes were written at an offset."""

    name: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncated:
    """A file got a size, in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Renamed:
    """A file or folder got another name, in place of what had it."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A file got a second name."""

    name: str
    new_name: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A name was removed."""

    name: str


@dataclass(frozen=True, slots=True)
class SyncBegan:
    """Somebody asked for a file or folder to be written to the disk."""

    name: str
    by: int


@dataclass(frozen=True, slots=True)
class Synced:
    """Somebody was told that it was."""

    by: int


@dataclass(frozen=True, slots=True)
class Said:
    """A process told the world something: what it must keep from then on."""

    what: dict[str, Any]


Event: TypeAlias = (
    MadeFile | MadeFolder | Wrote | Truncated | Renamed | Linked | Removed | SyncBegan | Synced
)
