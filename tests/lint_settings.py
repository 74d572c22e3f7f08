"""The settings with which code is looked at: what a check says of a machine is left out."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

SILENCED_SYSTEM_CHECKS = ["pktmask.W002"]
