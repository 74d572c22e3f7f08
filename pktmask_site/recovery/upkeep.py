"""The registry of tasks of upkeep: what is done again and again so that nothing piles up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pktmask_site.recovery.conf import recovery_settings


@dataclass(frozen=True, slots=True)
class Done:
    """What a task did, or would do; ``needs_look``: it found what a person must look at."""

    sentence: str
    details: dict[str, Any] = field(default_factory=dict)
    needs_look: bool = False


def upkeep_hours() -> float:
    """Return how often tasks run that have no time of their own."""
    return recovery_settings().upkeep_hours


@dataclass(frozen=True, slots=True)
class Task:
    """A task.  ``run`` takes the time and whether it is a dry run, which changes nothing.

    Title and help are translated when they are shown.
    """

    name: str
    title: Any
    help: Any
    run: Callable[[datetime, bool], Done]
    hours: Callable[[], float] = upkeep_hours


class Tasks:
    """All tasks by name, in the order in which they run."""

    def __init__(self) -> None:
        self._known: dict[str, Task] = {}

    def register(
        self, name: str, title: Any, help_text: Any, hours: Callable[[], float] = upkeep_hours
    ) -> Callable[[Callable[[datetime, bool], Done]], Callable[[datetime, bool], Done]]:
        """Add a task, as a decorator."""

        def add(run: Callable[[datetime, bool], Done]) -> Callable[[datetime, bool], Done]:
            self._known[name] = Task(name, title, help_text, run, hours)
            return run

        return add

    def all(self) -> tuple[Task, ...]:
        """Return them."""
        return tuple(self._known.values())

    def named(self, name: str) -> Task | None:
        """Return one; None when there is none of that name."""
        return self._known.get(name)


tasks: Final = Tasks()
