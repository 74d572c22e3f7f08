"""How fast the strategies have been here, from the runs themselves."""

from __future__ import annotations

from statistics import median

from trimming.choices import RunOutcome
from trimming.conf import trimming_settings
from trimming.models import TrimRun

SAMPLE_RUNS = 50
# shorter runs measure the start of a strategy, not its rate
LEAST_DURATION_MS = 200.0


def measured_bytes_per_s(strategy: str) -> float:
    """Return the median rate of the newest finished runs, start to end of trimming, in bytes/s."""
    rows = TrimRun.objects.filter(
        strategy=strategy, outcome=RunOutcome.DONE, duration_ms__gte=LEAST_DURATION_MS
    ).values_list("input_bytes", "duration_ms")[:SAMPLE_RUNS]
    rates = [size / duration_ms * 1000 for size, duration_ms in rows if duration_ms]
    unmeasured = trimming_settings().unmeasured_bytes_per_s
    return max(median(rates), 1.0) if rates else unmeasured
