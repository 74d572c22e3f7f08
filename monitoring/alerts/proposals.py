"""What could be done about a rule that fires often: a table of what was seen.  Pure.

A proposal rests on how long alerts lasted; it says how many would have been spared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from trimming import quantities

# fewer alerts are no noise
LEAST: Final = 5
# holds that people use
HOLDS: Final = (60.0, 120.0, 300.0, 600.0, 1800.0)
# a proposal spares at least this share
SPARES: Final = 0.5


@dataclass(slots=True)
class Noise:
    """How often a rule fired, and for how long; times in seconds."""

    fired: int = 0
    acknowledged: int = 0
    hold_seconds: float = 0.0
    lengths: list[float] = field(default_factory=list)


def proposal(noise: Noise) -> str:
    """Return a proposal as a sentence, empty where there is none."""
    if noise.fired < LEAST:
        return ""
    for hold in HOLDS:
        if hold <= noise.hold_seconds:
            continue
        spared = sum(each < hold - noise.hold_seconds for each in noise.lengths)
        if spared >= SPARES * noise.fired:
            said = _(
                "Holding for %(hold)s instead of %(now)s would have spared %(spared)s of %(all)s."
            )
            return said % {
                "hold": quantities.duration(hold),
                "now": quantities.duration(noise.hold_seconds) if noise.hold_seconds else "0 s",
                "spared": f"{spared:,}",
                "all": f"{noise.fired:,}",
            }
    if noise.acknowledged == 0:
        said = _("None of %(all)s was acknowledged: a lower severity, or another threshold.")
        return said % {"all": f"{noise.fired:,}"}
    return ""
