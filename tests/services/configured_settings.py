"""Settings of a service under test: as installed, with strategies that watch and strain it."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

TRIMMING_STRATEGIES = {
    "reading": "tests.services.reading:Reading",
    "hoarding": "tests.trimming.straining:Hoarding",
}
