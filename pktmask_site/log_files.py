"""A log file that several processes write and that somebody else may rotate."""

from __future__ import annotations

import logging
import os
from pathlib import Path


class WholeLines(logging.Handler):
    """Appends each line in one write, so that lines of several processes never mix.

    The file is opened for each line: what was moved away meanwhile is made anew.  It can be read by
    its owner only.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a disk that is full is told on standard error and stops nothing."""
        try:
            line = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            descriptor = os.open(self._path, flags, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)
        except Exception:  # as every handler of logging does
            self.handleError(record)
