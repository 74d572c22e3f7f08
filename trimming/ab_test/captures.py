"""Which files of a folder are tested: every capture once, or a share of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path

from trimming.ab_test.draw import in_sample
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.words import gettext_noop


@dataclass(frozen=True, slots=True)
class Chosen:
    """A capture that is tested.  ``digest`` is its SHA-256 in hexadecimal digits."""

    path: Path
    digest: str
    size_bytes: int


@dataclass(slots=True)
class Choice:
    """What became of the files of a folder; every one is in one place.

    ``skipped`` are no captures, with the reason; ``duplicates`` hold the bytes of another file,
    whose name comes second; ``left_out`` captures are not in the sample.
    """

    captures: list[Chosen] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    left_out: int = 0


def choose(folder: Path, share: float, seed: int) -> Choice:
    """Look at every file below ``folder`` in the order of their names.

    Raises OSError when the folder itself cannot be read.
    """
    choice = Choice()
    seen: dict[str, str] = {}
    for path in _files(folder, choice):
        name = shown_name(path)
        try:
            _check(path)
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
                size_bytes = file.tell()
        except InputError as error:
            place = {"expected": error.expected, "found": error.found}
            reason = gettext_noop("expected %(expected)s, found %(found)s") % place
            choice.skipped.append((name, reason))
            continue
        except OSError as error:
            choice.skipped.append((name, _unreadable(error)))
            continue
        if digest in seen:
            choice.duplicates.append((name, seen[digest]))
            continue
        seen[digest] = name
        if in_sample(digest, share, seed):
            choice.captures.append(Chosen(path, digest, size_bytes))
        else:
            choice.left_out += 1
    return choice


def shown_name(path: Path) -> str:
    """Return the name of a file as text that can be stored: without folders, always Unicode."""
    return os.fsencode(path.name).decode(errors="replace").replace("\0", "")


def _files(folder: Path, choice: Choice) -> Iterator[Path]:
    """Yield all that is no folder.  Links to folders are not followed: they may lead in circles.

    A folder inside that cannot be read is told among what is skipped.
    """

    def note(error: OSError) -> None:
        place = Path(error.filename)
        if place == folder:
            raise error
        choice.skipped.append((shown_name(place), _unreadable(error)))

    for place, folders, names in os.walk(folder, onerror=note):
        folders.sort()
        for name in sorted(names):
            yield Path(place, name)


def _unreadable(error: OSError) -> str:
    return gettext_noop("cannot be read: %(error)s") % {"error": error.strerror}


def _check(path: Path) -> None:
    """Raise InputError for what does not start like a capture."""
    with CaptureFile(path) as capture:
        capture.file_format  # noqa: B018 - reading it is the check
