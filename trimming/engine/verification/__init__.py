"""The independent verification of an output: the only leak detector on all that is served.

It reads original, output and plan in lockstep, once, and shares no parsing code with any strategy.
Belongs here: what is promised of an output, and whether that holds.  Must not be known here: how a
strategy came to its plan.
"""

from __future__ import annotations

from collections.abc import Callable

from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Verification
from trimming.engine.verification.lockstep import Lockstep

__all__ = ["verify"]


def verify(
    original: CaptureFile,
    output: CaptureFile,
    plan: MaskPlan,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Hold ``output`` against ``original`` and ``plan`` (whose options apply).

    ``progress`` is called about once per MiB with the bytes of the original that were read; what it
    raises ends the verification.  Raises InputError where the original cannot be read; what is
    wrong with the output is a finding.
    """
    return Lockstep(original, output, plan).run(progress)
