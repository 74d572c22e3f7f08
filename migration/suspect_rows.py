"""What the page of suspects shows: how many are in which state, and one page of the list.

Names of captures are shown to those who may know of them; of all others only what decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _

from migration.choices import SuspectState
from migration.models import Rollout, Suspect
from trimming.choices import Look
from trimming.models import AnyUser, Capture, Download, Quarantine

PAGE_SIZE: Final = 50
SUSPECT_LOOKS: Final[Mapping[SuspectState, Look]] = {
    SuspectState.LISTED: Look("unknown", "unknown"),
    SuspectState.RERUNNING: Look("run", "run"),
    SuspectState.SAME: Look("ok", "ok"),
    SuspectState.DIFFERENT: Look("fail", "fail"),
    SuspectState.NO_ORIGINAL: Look("warn", "warn"),
    SuspectState.NOT_RERUN: Look("warn", "error"),
}
IN_QUARANTINE: Final = Q(run__quarantine__isnull=False, run__quarantine__released_at=None)


class Counts(NamedTuple):
    """How many suspects there are, by state, kept back, and taken away by somebody."""

    by_state: Mapping[str, int]
    in_quarantine: int
    downloaded: int

    @property
    def all(self) -> int:
        """All of them."""
        return sum(self.by_state.values())

    @property
    def can_run_again(self) -> int:
        """Those that a second run would say something of."""
        from migration.suspects import RUN_AGAIN

        return sum(self.by_state.get(state, 0) for state in RUN_AGAIN)


class Row(NamedTuple):
    """One suspect.  ``name`` and ``address`` are empty where the capture is not for the viewer."""

    suspect: Suspect
    name: str
    address: str
    owner: str
    look: Look
    quarantine: Quarantine | None
    downloads: list[Download]
    can_run_again: bool


def counts_of(rollout: Rollout) -> Counts:
    """Count the suspects of a rollout, in one query."""
    taken = Exists(Download.objects.filter(run=OuterRef("run")))
    states = {state.value: Count("pk", filter=Q(state=state)) for state in SuspectState}
    found = Suspect.objects.filter(attempt__rollout=rollout).aggregate(
        in_quarantine=Count("pk", filter=IN_QUARANTINE),
        downloaded=Count("pk", filter=taken),
        **states,
    )
    return Counts(
        {state.value: found[state.value] for state in SuspectState},
        found["in_quarantine"],
        found["downloaded"],
    )


def page_of(
    rollout: Rollout, state: str, number: str, user: AnyUser
) -> tuple[Page[Suspect], list[Row]]:
    """Return a page of the list, the newest attempt first, in as many queries whatever it holds."""
    from migration.suspects import with_facts

    found = with_facts(Suspect.objects.filter(attempt__rollout=rollout))
    if state:
        found = found.filter(state=state)
    page = Paginator(found.order_by("-attempt__number", "run"), PAGE_SIZE).get_page(number)
    captures = [suspect.run.job.capture_id for suspect in page]
    visible = set(Capture.objects.visible_to(user).filter(pk__in=captures).values_list("pk"))
    return page, [_row(suspect, (suspect.run.job.capture_id,) in visible) for suspect in page]


def name_for(capture: Capture, is_visible: bool) -> str:
    """Return what a capture is called to somebody who may see it, or may not."""
    return capture.name if is_visible else _("Capture %(id)s…") % {"id": str(capture.pk)[:8]}


def _row(suspect: Suspect, is_visible: bool) -> Row:
    from migration.suspects import RUN_AGAIN

    capture = suspect.run.job.capture
    return Row(
        suspect=suspect,
        name=name_for(capture, is_visible),
        address=capture.get_absolute_url() if is_visible else "",
        owner=capture.owner.get_username(),
        look=SUSPECT_LOOKS[SuspectState(suspect.state)],
        quarantine=suspect.run.quarantine_in_force,
        downloads=list(suspect.run.downloads.all()),
        can_run_again=suspect.state in RUN_AGAIN,
    )


def tabs_of(counts: Counts, chosen: str) -> list[dict[str, Any]]:
    """Return the states to choose from, with how many there are in each."""
    states: list[tuple[str, Any]] = [("", _("All"))]
    states += [(state.value, state.label) for state in SuspectState]
    return [
        {
            "state": state,
            "label": label,
            "count": counts.by_state[state] if state else counts.all,
            "is_current": state == chosen,
            "address": f"?state={state}" if state else "?",
        }
        for state, label in states
    ]
