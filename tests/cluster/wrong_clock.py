"""The settings of a machine whose clock is wrong by PKTMASK_TEST_CLOCK_SECONDS.

What measures how long something takes is right there as well.
"""

import os
import time
from datetime import timedelta

from django.utils import timezone

SHIFT_SECONDS = float(os.environ["PKTMASK_TEST_CLOCK_SECONDS"])
_time, _now = time.time, timezone.now
time.time = lambda: _time() + SHIFT_SECONDS
timezone.now = lambda: _now() + timedelta(seconds=SHIFT_SECONDS)

from pktmask_site.settings import *  # noqa: E402, F403 - after the clock, which they may look at
