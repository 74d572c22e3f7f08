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

# below that, loading the kernels takes longer than going without
SMALL_BYTES = 1 << 19
SMALL_PACKED_BYTES = 1 << 16


def verify(
    original: CaptureFile,
    output: CaptureFile,
    plan: MaskPlan,
    progress: Callable[[int], None] | None = None,
) -> Verification:
    """Hold ``output`` against ``original`` and ``plan`` (whose options apply).

    ``progress`` is called once per MiB or per window with the bytes of the original that were read;
    what it raises ends the verification.  Raises InputError where the original cannot be read; what
    is wrong with the output is a finding.
    """
    if original.size_bytes < (SMALL_PACKED_BYTES if original.is_packed else SMALL_BYTES):
        return Lockstep(original, output, plan).run(progress)
    from trimming.engine.verification.windows import Windows

    return Windows(original, output, plan).run(progress)
