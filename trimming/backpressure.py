"""How many more captures may come: what cannot be worked off is refused where it is sent from."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from trimming.choices import JobState
from trimming.conf import trimming_settings
from trimming.models import AnyUser, TrimJob
from trimming.quantities import count


@dataclass(frozen=True, slots=True)
class Room:
    """How many captures may be added to those that wait, and why not more."""

    files: int
    reason: str


def room_for(owner: AnyUser) -> Room:
    """Return how many captures of ``owner`` may be added."""
    limits = trimming_settings()
    waiting = TrimJob.objects.filter(state=JobState.WAITING)
    mine = waiting.filter(requested_by_id=owner.pk).count()
    of_all = waiting.count()
    by_person = Room(
        limits.person_waiting_files - mine,
        _(
            "%(count)s of your captures wait already, which is as many as may"
            " (%(setting)s). Nothing was stored. Upload the others when some are done."
        )
        % {"count": count(mine), "setting": "trimming.person_waiting_files"},
    )
    by_service = Room(
        limits.waiting_files - of_all,
        _(
            "%(count)s captures wait already, which is as many as may (%(setting)s)."
            " Nothing was stored. Upload yours when some are done."
        )
        % {"count": count(of_all), "setting": "trimming.waiting_files"},
    )
    return min(by_person, by_service, key=lambda each: each.files)
