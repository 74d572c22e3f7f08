"""Whose captures were served by treatment, in which a fault is, and what the fence let through."""

from __future__ import annotations

from collections.abc import Iterable

from migration.simulation.ended import Ended


class Exposure:
    """Counts of what ended.  ``epoch`` is that of the policy in force; a rollback raises it.

    A result of treatment is published when the epoch is still the one that its run began with, and
    discarded otherwise.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.first_shown: float | None = None
        self.runs_since_shown = 0
        self.published = 0
        self.published_faulty = 0
        self.published_leaks = 0
        self.published_after_rollback = 0
        self.discarded = 0

    def note(self, batch: Iterable[Ended], *, is_faulty: bool) -> None:
        """Add what ended, in its order; ``is_faulty``: the fault has begun."""
        for each in batch:
            if not each.on_treatment or (each.run is None and each.pair is None):
                continue
            if each.shows:
                self.first_shown = min(each.began, self.first_shown or each.began)
            if self.first_shown is not None and not self.epoch:
                self.runs_since_shown += 1
            if each.run is None or each.run.failed or each.run.odd:
                continue
            if each.epoch != self.epoch:
                self.discarded += 1
                continue
            self.published += 1
            self.published_faulty += is_faulty
            self.published_leaks += each.leaks
            self.published_after_rollback += self.epoch > 0
