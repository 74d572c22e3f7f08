"""A strategy that hangs as compiled code can: nothing else in its process gets a turn."""

from __future__ import annotations

import ctypes
from typing import Any


class Hanging:
    """Never comes back."""

    name = "scanning"
    version = "hanging"

    def plan(self, *_: Any) -> None:
        """As Strategy.plan, but for ever."""
        while True:
            ctypes.PyDLL(None).sleep(600)
