"""What one connection knows of one topic, and what must be said next.  Pure: no I/O, no clock.

``told`` is what the page was last told of each capture (or each kind of
news), ``changed`` what came in since.  Whatever was missed, comparing ``told`` with a
reading of the database says what is still to be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from monitoring.live.items import Item, News, deleted_item, is_open, key_of
from monitoring.live.topics import Topic

# captures that a connection is kept up to date about, per topic; those told of longest ago are
# forgotten first (a page shows 200 at most)
MAX_TOLD = 1000


class Subscription:
    """One topic of one connection.

    ``read_at`` is when the database is to be read next, on the caller's clock; it is due at once
    in the beginning.  Until a first reading allowed it (``is_admitted``) nothing is told.
    """

    def __init__(self, topic: Topic, showing: tuple[UUID, ...]) -> None:
        self.topic = topic
        self.showing = showing
        self.group = ""
        self.read_at = 0.0
        self.is_admitted = False
        self._told: dict[str, Item | News] = {}
        self._changed: dict[str, Item | News] = {}

    def ids_to_read(self) -> set[UUID]:
        """Return the captures that the page knows of."""
        return {
            *self.showing,
            *(UUID(key) for key, item in self._told.items() if "capture" in item),
        }

    def note(self, items: Iterable[Item | News]) -> None:
        """Remember what came in: the newest item of each capture."""
        for item in items:
            self._changed[key_of(item)] = item
        if len(self._changed) > MAX_TOLD:
            # the connection is far behind: a reading is cheaper than all that
            self._changed.clear()
            self.read_at = 0.0

    def forget_changed(self) -> None:
        """Drop what came in: a reading that begins now will be newer."""
        self._changed.clear()

    def take_changed(self) -> list[Item | News]:
        """Return what came in and is news to the page; it counts as told."""
        items = [item for item in self._changed.values() if self._is_news(item)]
        self._changed.clear()
        self._tell(items)
        return items

    def take_reading(self, items: Sequence[Item | News], asked: set[UUID]) -> list[Item | News]:
        """Return what a reading says: all of it the first time, then only what is news.

        ``asked`` are the ids that were asked for; those that were not found are gone.
        """
        found = {key_of(item) for item in items}
        gone = [deleted_item(str(each)) for each in asked if str(each) not in found]
        said = [item for item in (*items, *gone) if not self.is_admitted or self._is_news(item)]
        self.is_admitted = True
        self._tell(said)
        return said

    def has_open_jobs(self) -> bool:
        """Tell whether the page was told of a job that is still to end."""
        return any(is_open(item) for item in self._told.values())

    def is_over(self) -> bool:
        """Tell whether this was about one capture that is gone."""
        told = self._told.get(str(self.topic.capture_id))
        return told is not None and "capture" in told and told["deleted"]

    def _is_news(self, item: Item | News) -> bool:
        return self._told.get(key_of(item)) != item

    def _tell(self, items: Iterable[Item | News]) -> None:
        for item in items:
            self._told.pop(key_of(item), None)
            self._told[key_of(item)] = item
        for capture in list(self._told)[:-MAX_TOLD]:
            del self._told[capture]
