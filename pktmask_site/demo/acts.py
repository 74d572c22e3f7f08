"""What the demo does next, if nobody else does it.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from migration.choices import RolloutState

# captures that were served before the rollout begins: so there is something to see
FIRST_CAPTURES: Final = 10
# a visitor may approve first; nobody has to
APPROVE_AFTER_SECONDS: Final = 10.0


class Act(Enum):
    """One thing that the demo does."""

    START = "start"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Seen:
    """Where it stands: ``state`` is None before the first rollout, ``waiting_seconds`` is None
    where no request waits."""

    state: RolloutState | None
    served: int
    waiting_seconds: float | None = None


def next_act(seen: Seen) -> Act | None:
    """Return what is due.  After a rollback it is the visitor's turn."""
    if seen.state is None:
        return Act.START if seen.served >= FIRST_CAPTURES else None
    if seen.state is RolloutState.AWAITING and seen.waiting_seconds is not None:
        return Act.APPROVE if seen.waiting_seconds >= APPROVE_AFTER_SECONDS else None
    return None
