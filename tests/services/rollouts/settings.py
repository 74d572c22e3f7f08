"""The service's settings with a treatment that fails while a file is there."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

TRIMMING_STRATEGIES = {
    "scanning": "tests.services.rollouts.strategies:Faulty",
    "legacy": "tests.services.fence.strategies:QuickControl",
}
