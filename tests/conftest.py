"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# a deadline is a clock, and the machine may be busy
settings.register_profile("pktmask", deadline=None)
settings.load_profile("pktmask")
