"""Whether a file is a capture, told by its bytes and not by its name, before anything is kept.

Runs in the web process: only the start is walked, and nothing heavy is imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from config.languages.told import told
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import EXPECTED, CaptureFile, mistaken_for
from trimming.engine.options import Limits

# so many unpacked bytes are walked, record by record
START_BYTES: Final = 4 << 20


def recognise(path: Path, limits: Limits | None = None) -> str:
    """Return the format of a capture, as in "pcap" or "pcapng, zstandard".

    Raises InputError for what is no capture or is damaged at its start, and for packed data that
    would grow past the limit.  A packed file is unpacked to its end only when what it has become so
    far, carried on to its whole size, passes the limit.
    """
    with CaptureFile(path, limits) as capture:
        start = capture.look_at_start(START_BYTES)
        if capture.is_packed and not start.is_whole:
            estimate = capture.size_bytes * start.expansion
            if estimate > capture.limits.max_unpacked_bytes:
                capture.unpacked_size()
        return capture.file_format


def check_magic(magic: bytes) -> None:
    """Raise InputError for a file that starts with ``magic`` (8 bytes) and can be no capture."""
    found = mistaken_for(magic)
    if found is not None:
        raise InputError("", 0, EXPECTED, found)


def refusal(error: InputError) -> str:
    """Say, to the person who uploaded, why a file was not taken."""
    if error.expected == EXPECTED:
        return _("Not a capture: %(found)s; expected %(expected)s. Nothing was stored.") % {
            "found": told(error.found),
            "expected": told(error.expected),
        }
    return _(
        "Not a usable capture: at byte %(offset)s, expected %(expected)s, found %(found)s. "
        "Nothing was stored."
    ) % {
        "offset": number_format(error.offset, force_grouping=True),
        "expected": told(error.expected),
        "found": told(error.found),
    }
