"""Moving a rollout from its page: start, pause, resume, promote, restart, abort, and a drill."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.languages.told import told
from migration.acts import BY_NAME, DRILL, Act, is_possible
from migration.choices import Move, RolloutState
from migration.forms import ActForm
from migration.models import Rollout
from migration.views.shared import show, watched
from monitoring.views.shared import with_charts

log = structlog.get_logger("pktmask.rollout")


@require_POST
@watched
@with_charts
def act(request: HttpRequest, number: int) -> HttpResponse:
    """Do one thing; what is refused is answered by the page, with what was typed."""
    rollout = get_object_or_404(Rollout, pk=number)
    wanted = BY_NAME.get(request.POST.get("act", ""))
    if wanted is None:
        raise BadRequest
    if not request.user.has_perm(wanted.permission):
        raise PermissionDenied
    form = ActForm(request.POST)
    if not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        return _refused(request, rollout, wanted, said)
    try:
        refusal = _do(request, rollout, wanted, form.cleaned_data["reason"], timezone.now())
    except DatabaseError as error:
        if not wanted.is_danger:
            raise
        log.exception("not_aborted", error=type(error).__name__)
        return render(request, "migration/not_aborted.html", {"rollout": rollout}, status=503)
    if refusal:
        rollout.refresh_from_db()
        return _refused(request, rollout, wanted, [refusal])
    return redirect("migration:rollout", rollout.pk)


def _do(request: HttpRequest, rollout: Rollout, wanted: Act, reason: str, now: datetime) -> str:
    """Do it and tell what came of it; return why it was refused, "" where it was not."""
    from migration import drills, operations
    from trimming.policy import PolicyRefusedError

    does: dict[str, Any] = {
        Move.START: operations.start,
        Move.PAUSE: operations.pause,
        Move.RESUME: operations.resume,
        Move.PROMOTE: operations.promote,
        Move.RESTART: operations.restart,
        Move.ABORT: operations.abort,
        DRILL: drills.hold_drill,
    }
    try:
        done = does[wanted.name](rollout, request.user, reason, now)
    except (operations.RefusedError, drills.DrillRefusedError, PolicyRefusedError) as error:
        return str(error)
    if wanted.name == DRILL:
        tell = messages.success if done.passed else messages.error
        tell(request, told(done.sentence))
    else:
        words = {"rollout": rollout.name, "move": done.get_move_display()}
        messages.success(request, _("%(rollout)s: %(move)s.") % words)
    return ""


def _refused(request: HttpRequest, rollout: Rollout, wanted: Act, said: list[str]) -> HttpResponse:
    typed = {name: request.POST.get(name, "") for name in ("reason", "word")}
    has_dialog = is_possible(wanted, RolloutState(rollout.state))
    refused = {"act": wanted.name, "said": said, "has_dialog": has_dialog, **typed}
    return show(request, rollout, refused=refused)
