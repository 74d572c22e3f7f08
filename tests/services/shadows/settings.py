"""The service's settings with a treatment that never comes back."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

TRIMMING_STRATEGIES = {"scanning": "tests.services.shadows.strategies:Hanging"}
