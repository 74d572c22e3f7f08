"""The page of the demo: what happens now and why, and faults to switch on.

There is one where faults on purpose are permitted.  Elsewhere the page says how to start one: a
demo has data and processes of its own, which no web page of a service in use should start.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from migration.choices import PHASE_LOOKS, PHASES, PhaseName, PhaseState, RolloutState
from migration.models import Evaluation, Phase, Rollout
from pktmask_site.demo import story
from trimming import drills
from trimming.choices import Look
from trimming.conf import drill_settings
from trimming.models import Drill
from trimming.routing import TREATMENT
from trimming.routing_choices import FaultKind

MAY_LOOK: Final = "migration.view_rollout"
MAY_PLAY: Final = "migration.operate_rollout"
# a fault that is forgotten ends by itself
FAULT_LASTS: Final = timedelta(minutes=5)
PARTS: Final = ("now", "phases", "faults")


class Told(NamedTuple):
    """One phase with its story; ``state`` is pending before the first rollout."""

    name: PhaseName
    state: PhaseState
    look: Look
    is_here: bool
    story: story.PhaseStory


class Switch(NamedTuple):
    """One fault with its story; ``drill`` is there while it is on."""

    kind: FaultKind
    story: story.FaultStory
    drill: Drill | None


def only_in_demos(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a page be where faults on purpose are permitted."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not drill_settings().permitted:
            raise Http404
        return view(request, *args, **kwargs)

    return inner


@require_safe
@never_cache
@permission_required(MAY_LOOK, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the page; where there is no demo, how to start one beside this installation."""
    if not drill_settings().permitted:
        return render(request, "demo/elsewhere.html", {"phases": story.PHASES.items()})
    return render(request, "demo/demo.html", _context(request))


@require_safe
@never_cache
@only_in_demos
@permission_required(MAY_LOOK, raise_exception=True)
def data(request: HttpRequest) -> HttpResponse:
    """Answer with what an open page puts in anew."""
    context = _context(request)
    parts = {
        name: render_to_string(f"demo/partials/{name}.html", context, request) for name in PARTS
    }
    return JsonResponse({"parts": parts})


@require_POST
@only_in_demos
@permission_required((MAY_LOOK, MAY_PLAY), raise_exception=True)
def fault(request: HttpRequest, kind: str) -> HttpResponse:
    """Switch a fault of scanning on or off; pressed twice it stays as it is."""
    if kind not in story.FAULTS:
        raise Http404
    wanted, running = FaultKind(kind), _running()
    if request.POST.get("switch") == "on":
        if wanted not in running:
            try:
                drills.start(wanted, TREATMENT, 1.0, FAULT_LASTS, request.user, _("the demo"))
            except drills.DrillRefusedError as refused:
                messages.error(request, str(refused))
                return redirect("demo:page")
        messages.success(request, _("Switched on: scanning %(does)s.") % {"does": wanted.label})
    else:
        if wanted in running:
            drills.stop(running[wanted])
        messages.success(request, _("Scanning is as it should be again."))
    return redirect("demo:page")


def _running() -> dict[FaultKind, Drill]:
    on = Drill.objects.filter(strategy=TREATMENT, until__gt=timezone.now())
    return {FaultKind(each.kind): each for each in on}


def _context(request: HttpRequest) -> dict[str, Any]:
    rollout = Rollout.objects.order_by("-pk").first()
    state = None if rollout is None else RolloutState(rollout.state)
    running = _running()
    return {
        "rollout": rollout,
        "sentence": story.now_sentence(state, _newest_reason(rollout)),
        "phases": _told(rollout),
        "switches": [
            Switch(kind, found, running.get(kind)) for kind, found in story.FAULTS.items()
        ],
        "may_play": request.user.has_perm(MAY_PLAY),
    }


def _newest_reason(rollout: Rollout | None) -> str:
    if rollout is None:
        return ""
    newest = Evaluation.objects.filter(attempt__rollout=rollout).only("reason").first()
    return newest.reason if newest else _("It was started a moment ago.")


def _told(rollout: Rollout | None) -> list[Told]:
    found: dict[str, Phase] = {}
    if rollout is not None:
        attempt = rollout.attempts.order_by("-number").first()
        found = {each.name: each for each in attempt.phases.all()} if attempt else {}
    states = {
        name: PhaseState(found[name].state) if name in found else PhaseState.PENDING
        for name in PHASES
    }
    begun = [name for name in PHASES if states[name] is not PhaseState.PENDING]
    here = begun[-1] if begun else None
    return [
        Told(name, states[name], PHASE_LOOKS[states[name]], name is here, story.PHASES[name])
        for name in PHASES
    ]
