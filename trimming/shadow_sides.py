"""The two strategies of a comparison: each may fail in any way, and the other one still runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from config.faults import type_and_place
from trimming.drills import NO_FAULT, Fault
from trimming.engine.byte_classes import fill_for
from trimming.engine.errors import CancelledError, InputError, OptionsError, OutputError
from trimming.engine.options import TrimOptions
from trimming.engine.strategies.registry import Strategy, load_strategy
from trimming.shadow_rules import Answer

if TYPE_CHECKING:  # a process that never compares must not pay for NumPy
    from trimming.engine.comparison import Comparison
    from trimming.engine.formats.capture import CaptureFile
    from trimming.engine.plan import MaskPlan
    from trimming.engine.report import Tally

# faults of the machine, and the word to stop: neither says anything about a strategy
AROUND = (CancelledError, OutputError, OSError, DatabaseError)


class SideLateError(Exception):
    """A strategy took longer than a served job may; the text says how long that is."""


class ObservedStrategy:
    """A strategy whose failure is noted instead of raised.  ``duration_ms`` is of planning."""

    def __init__(self, name: str, fault: Fault = NO_FAULT) -> None:
        self.name = name
        self._fault = fault
        self.version = ""
        self.answer = Answer.PLANNED
        self.failure = ""
        self.duration_ms: float | None = None
        self._strategy: Strategy | None = None

    def load(self) -> ObservedStrategy:
        """Load the strategy; one that cannot be loaded has failed."""
        try:
            loaded = load_strategy(self.name, settings.TRIMMING_STRATEGIES)
            self._strategy = self._fault.afflict(loaded)
            self.version = self._strategy.version
        except Exception as error:  # any import may fail in any way
            self._note(error)
        return self

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Plan, as strategies do; raise only what is not the strategy's fault."""
        if self._strategy is None:
            return
        started = time.perf_counter()
        try:
            self._strategy.plan(capture, plan, tally, progress)
        except AROUND:
            raise
        except Exception as error:  # a strategy may fail in any way
            self._note(error)
        else:
            self.duration_ms = (time.perf_counter() - started) * 1000

    def _note(self, error: Exception) -> None:
        self.answer = Answer.REFUSED if isinstance(error, InputError) else Answer.FAILED
        self.failure = failure_text(error)


def failure_text(error: Exception) -> str:
    """Say why a strategy failed; never payload, and no path of this machine."""
    match error:
        case InputError():
            place = {
                "offset": f"{error.offset:,}",
                "expected": error.expected,
                "found": error.found,
            }
            return _("Byte %(offset)s: expected %(expected)s, found %(found)s.") % place
        case OptionsError() | SideLateError():
            return str(error)
        case _:
            # the text of an unforeseen error may quote payload, so only its kind and place are kept
            return _("The strategy failed: %(kind)s at %(place)s.") % type_and_place(error)


def shows_payload(
    source: Path,
    found: Comparison,
    options: TrimOptions,
    leaked_bytes: int,
    told: Callable[[int], None],
) -> bool:
    """Tell whether bytes that only the first strategy masks would show in the second's output.

    Those that hold what they would be overwritten with show nothing.  Where the comparison did not
    keep all of the ranges, the rest is taken to show something.  ``told`` may raise to stop.
    """
    from trimming.engine.formats.capture import CaptureFile

    looked_at = 0
    wanted: dict[int, list[tuple[int, int, int]]] = {}
    for each in found.ranges:
        first, second = (None if c is None else fill_for(c, options) for c in each.classes)
        if first is not None and second is None:
            wanted.setdefault(each.packet, []).append((each.offset, each.length, first))
            looked_at += each.length
    if looked_at < leaked_bytes:
        return True
    with CaptureFile(source, options.limits) as capture:
        return any(
            packet.data[offset : offset + length] != bytes([fill]) * length
            for packet in capture.packets(told)
            for offset, length, fill in wanted.get(packet.number, ())
        )
