"""How far a version has spread: in how many processes it is in force.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.models import Adoption

Look = tuple[str, str]  # tone and shape of a chip
OK: Final[Look] = ("ok", "ok")
UNDERWAY: Final[Look] = ("run", "run")
FAILED: Final[Look] = ("fail", "fail")
UNKNOWN: Final[Look] = ("unknown", "unknown")


@dataclass(frozen=True, slots=True)
class Process:
    """One process, and whether it goes by the version."""

    kind: str
    name: str
    version: int
    at: datetime
    problem: str
    has_version: bool


@dataclass(frozen=True, slots=True)
class Spread:
    """The processes that gave a sign lately."""

    version: int
    processes: Sequence[Process]

    @property
    def reached(self) -> int:
        """In how many of them the version is in force."""
        return sum(process.has_version for process in self.processes)

    @property
    def refused(self) -> int:
        """How many of them cannot go by it."""
        return sum(bool(process.problem) for process in self.processes)

    @property
    def is_settled(self) -> bool:
        """Whether no process is still to take the version."""
        return self.reached + self.refused >= len(self.processes)

    @property
    def look(self) -> Look:
        """Tone and shape."""
        if not self.processes:
            return UNKNOWN
        if self.refused:
            return FAILED
        return OK if self.is_settled else UNDERWAY


def spread_of(version: int, signs: Sequence[Adoption]) -> Spread:
    """Return how far ``version`` has spread by the signs that processes gave."""
    return Spread(
        version,
        [
            Process(
                kind=sign.kind,
                name=sign.process,
                version=sign.version,
                at=sign.at,
                problem=sign.problem,
                # one that found an even newer version has this one behind it
                has_version=sign.version >= version and not sign.problem,
            )
            for sign in signs
        ],
    )
