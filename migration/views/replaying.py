"""Asking the question of a stored decision again, on the page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from migration.models import Decision
from migration.views.shared import show, watched
from monitoring.views.shared import with_charts


@require_POST
@watched
@with_charts
def again(request: HttpRequest, number: int) -> HttpResponse:
    """Replay a decision; a script gets only what came of it, anybody else the whole page."""
    from migration.replay import replay

    decision = get_object_or_404(Decision.objects.select_related("rollout"), pk=number)
    replayed: dict[str, object] = {"decision": decision.pk}
    try:
        found = replay(decision)
    except ValueError:  # a row of another version of this program
        replayed["trouble"] = _(
            "It was stored by another version of this program, which this one cannot read."
        )
    else:
        replayed |= {"same": found.same, "differences": found.differences}
    if request.headers.get("X-Part") == "replayed":
        return render(request, "migration/partials/replayed.html", {"replayed": replayed})
    return show(request, decision.rollout, replayed=replayed)
