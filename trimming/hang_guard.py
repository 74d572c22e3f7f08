"""Ends a worker process that is stuck, also in compiled code that gives nothing else its turn.

A worker that only *might* still run must not be counted as free: what would be begun beside it
could take the worker that is kept for serving.  So it is gone before its lease is over.
"""

from __future__ import annotations

import faulthandler
from types import TracebackType
from typing import Final

STANDARD_ERROR: Final = 2


class HangGuard:
    """While it is entered, ``alive`` must be called again within ``seconds``.

    Else the process ends at once with the code 1; where it stood is written to standard error,
    without any value.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> HangGuard:
        self.alive()
        return self

    def alive(self) -> None:
        """Give another ``seconds``."""
        # a thread of its own in C: it needs neither the interpreter's lock nor a signal
        faulthandler.dump_traceback_later(self._seconds, file=STANDARD_ERROR, exit=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        place: TracebackType | None,
    ) -> None:
        faulthandler.cancel_dump_traceback_later()
