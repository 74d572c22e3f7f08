"""What is written of an unforeseen error: its type and place, never its text.

The text may quote what must not be in a log.
"""

from __future__ import annotations

import traceback
from pathlib import Path


def type_and_place(error: BaseException) -> dict[str, str]:
    """Return the type of ``error`` and where it was raised, as fields of a log entry."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return {"kind": type(error).__name__, "place": place}
