"""The service's settings with a treatment that is quick, and waits where a test wants it to."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

TRIMMING_STRATEGIES = {
    "scanning": "tests.services.fence.strategies:Quick",
    "legacy": "tests.services.fence.strategies:QuickControl",
}
