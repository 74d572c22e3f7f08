"""The states of a job: this table is the specification.  What it lacks is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

from trimming.choices import JobState


class Move(Enum):
    """What can happen to a job."""

    CLAIM = "claim"
    PUBLISH = "publish"
    REFUSE = "refuse"
    FAIL = "fail"
    CANCEL = "cancel"
    STOP = "stop"
    REQUEUE = "requeue"
    FALL_BACK = "fall_back"
    DISCARD = "discard"
    PUT_OFF = "put_off"


# move: the states in which it is legal, and the state that it leads to
MOVES: Final[Mapping[Move, tuple[frozenset[JobState], JobState]]] = MappingProxyType(
    {
        Move.CLAIM: (frozenset({JobState.WAITING}), JobState.RUNNING),
        # a result, for good
        Move.PUBLISH: (frozenset({JobState.RUNNING}), JobState.DONE),
        # the capture itself cannot be used; another attempt would end the same way
        Move.REFUSE: (frozenset({JobState.RUNNING}), JobState.REFUSED),
        Move.FAIL: (frozenset({JobState.RUNNING}), JobState.FAILED),
        # by a person, before a worker has begun
        Move.CANCEL: (frozenset({JobState.WAITING}), JobState.CANCELLED),
        # by the worker, which saw that a person asked
        Move.STOP: (frozenset({JobState.RUNNING}), JobState.CANCELLED),
        # the worker is gone, or was told to stop; another one begins anew
        Move.REQUEUE: (frozenset({JobState.RUNNING}), JobState.WAITING),
        # the treatment failed on it; the control serves it
        Move.FALL_BACK: (frozenset({JobState.RUNNING}), JobState.WAITING),
        # the treatment was rolled back while it ran; the control serves it
        Move.DISCARD: (frozenset({JobState.RUNNING}), JobState.WAITING),
        # storage, disk or database failed; it is begun anew when they may be back
        Move.PUT_OFF: (frozenset({JobState.RUNNING}), JobState.WAITING),
    }
)


def sources(move: Move) -> frozenset[JobState]:
    """Return the states in which ``move`` is legal."""
    return MOVES[move][0]


def result(move: Move) -> JobState:
    """Return the state that ``move`` leads to."""
    return MOVES[move][1]
