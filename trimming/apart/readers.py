"""How a worker of this system reads captures: apart where the system can, else by itself."""

from __future__ import annotations

import sys
from functools import cache, partial
from typing import Final

import structlog

from config.faults import type_and_place
from trimming.apart.confinement import lacking
from trimming.apart.process import Doing, apart, here
from trimming.conf import trimming_settings
from trimming.engine.errors import EngineError

log = structlog.get_logger("pktmask.apart")

# of a lease: the process is gone before others may begin its work
SILENT_SHARE: Final = 0.8


def doing() -> Doing:
    """Return how captures are read here; what that needs is loaded once, for all workers."""
    if not sys.platform.startswith("linux"):
        return here
    prepare()
    return partial(apart, silence_seconds=SILENT_SHARE * trimming_settings().lease_seconds)


@cache
def prepare() -> None:
    """Load what each reader would have to load anew: both strategies and all kernels."""
    from trimming.engine.strategies.registry import BUILT_IN
    from trimming.engine.warm import trim_samples

    if missing := lacking():
        log.warning("readers_less_confined", lacking=missing)
    try:
        trim_samples(list(BUILT_IN))
    except (EngineError, OSError) as error:
        # nothing is lost but time: each reader loads what it needs
        log.warning("readers_not_prepared", **type_and_place(error))
