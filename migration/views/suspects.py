"""Suspects of a rollout: what was served before a rollback, again on legacy, and released."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.typed_values import read_id
from migration.choices import SuspectState
from migration.forms import MAX_REASON_CHARACTERS, why_too_long
from migration.models import Rollout, Suspect
from migration.suspect_rows import counts_of, page_of, tabs_of
from migration.views.shared import MAY_OPERATE, REFUSED

MAY_LOOK: Final = "migration.view_suspect"
MAY_RELEASE: Final = "migration.release_suspect"


@require_safe
@never_cache
@permission_required(MAY_LOOK, raise_exception=True)
def page(request: HttpRequest, number: int) -> HttpResponse:
    """Show the suspects of a rollout."""
    return _show(request, get_object_or_404(Rollout, pk=number))


@require_POST
@permission_required((MAY_LOOK, MAY_OPERATE), raise_exception=True)
def rerun(request: HttpRequest, number: int) -> HttpResponse:
    """Ask for second runs on legacy: of one, of those that are ticked, or of all."""
    from migration.suspects import SuspectRefusedError, ask_again

    rollout = get_object_or_404(Rollout, pk=number)
    wanted = _wanted(request, rollout)
    if wanted is None:
        return _show(request, rollout, refusal=_("Tick the outputs that are to run again."))
    try:
        asked = ask_again(wanted, request.user)
    except SuspectRefusedError as refused:
        return _show(request, rollout, refusal=str(refused))
    if not asked:
        said = _("None of them can run again: they run already, or their result is known.")
        return _show(request, rollout, refusal=said)
    text = ngettext(
        "%(n)d output runs again on legacy; it is compared by itself.",
        "%(n)d outputs run again on legacy; they are compared by themselves.",
        asked,
    )
    messages.success(request, text % {"n": asked})
    return redirect(_address(request, rollout))


def _wanted(request: HttpRequest, rollout: Rollout) -> QuerySet[Suspect] | None:
    """Return the suspects that were meant; None where none was."""
    rows = Suspect.objects.filter(attempt__rollout=rollout)
    if request.POST.get("which") == "all":
        return rows
    ids = [read_id(each) for each in request.POST.getlist("ids")]
    known = [each for each in ids if each is not None]
    return rows.filter(pk__in=known) if known else None


@require_POST
@permission_required(MAY_LOOK, raise_exception=True)
def release(request: HttpRequest, number: int, suspect_id: int) -> HttpResponse:
    """Let an output be downloaded again, with a reason."""
    from migration.suspects import SuspectRefusedError
    from migration.suspects import release as let_go

    if not request.user.has_perm(MAY_RELEASE):
        raise PermissionDenied
    rollout = get_object_or_404(Rollout, pk=number)
    suspect = get_object_or_404(Suspect, pk=suspect_id, attempt__rollout=rollout)
    reason = request.POST.get("reason", "").strip()
    if refusal := why_too_long(reason):
        return _show(request, rollout, refusal=refusal)
    try:
        let_go(suspect, request.user, reason)
    except SuspectRefusedError as refused:
        return _show(request, rollout, refusal=str(refused))
    messages.success(request, _("It is released, and can be downloaded again."))
    return redirect(_address(request, rollout))


def _address(request: HttpRequest, rollout: Rollout) -> str:
    query = request.GET.urlencode()
    return reverse("migration:suspects", args=[rollout.pk]) + (f"?{query}" if query else "")


def _show(request: HttpRequest, rollout: Rollout, refusal: str = "") -> HttpResponse:
    state = request.GET.get("state", "")
    state = state if state in SuspectState.values else ""
    counts = counts_of(rollout)
    found, rows = page_of(rollout, state, request.GET.get("page", "1"), request.user)
    may_release = request.user.has_perm(MAY_RELEASE)
    may_run = request.user.has_perm(MAY_OPERATE)
    reasons = {row.quarantine.reason for row in rows if row.quarantine is not None}
    context: dict[str, Any] = {
        # said once where it is the same for all of them
        "common_reason": reasons.pop() if len(reasons) == 1 else "",
        "rollout": rollout,
        "counts": counts,
        "tabs": tabs_of(counts, state),
        "state": state,
        "page": found,
        "rows": rows,
        "may_release": may_release,
        "may_run": may_run,
        # who has taken what away matters to those who act on it
        "sees_people": may_release or may_run,
        "refusal": refusal,
        "query": request.GET.urlencode(),
        "max_reason": MAX_REASON_CHARACTERS,
    }
    status = REFUSED if refusal else 200
    return render(request, "migration/suspects.html", context, status=status)
