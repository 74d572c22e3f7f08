"""What a person can do to a capture or its job.

POST only.  What the user may not see does not exist (404); what is not allowed is refused (403);
what cannot be done now is answered with the reason (409), and nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config.audit import record
from config.typed_values import read_id
from trimming import jobs, retention
from trimming.engine.strategies.registry import available
from trimming.models import Capture, Profile
from trimming.overrides import refusal_of
from trimming.profiles import offered


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an action: a sentence, and whether it was done."""

    ok: bool
    message: str
    # where to go then: the list of captures, or the capture's page
    to_list: bool = False


Action = Callable[[HttpRequest, Capture], Answer]


@dataclass(frozen=True, slots=True)
class Act:
    """An action with the permissions that it asks for."""

    do: Action
    permissions: tuple[str, ...]


# by their names, for who does one to many captures
ACTS: dict[str, Act] = {}
View = Callable[[HttpRequest, UUID], HttpResponse]


def action(*permissions: str) -> Callable[[Action], View]:
    """Make a view of an action: POST only, visible captures only, with these permissions only."""

    asked = tuple(f"trimming.{each}" for each in permissions)

    def decorate(act: Action) -> View:
        ACTS[act.__name__] = Act(act, asked)

        @require_POST
        @wraps(act)
        def view(request: HttpRequest, capture_id: UUID) -> HttpResponse:
            visible = Capture.objects.visible_to(request.user).select_related("current_job")
            capture = get_object_or_404(visible, pk=capture_id)
            if not request.user.has_perms(asked):
                return _forbidden(request)
            return _respond(request, capture, act(request, capture))

        return view

    return decorate


@action("change_trimjob")
def cancel(request: HttpRequest, capture: Capture) -> Answer:
    """Cancel the current job: at once while it waits, at the next look of its worker else."""
    job = capture.current_job
    if job is None:
        return Answer(False, _("There is no job to cancel."))
    with transaction.atomic():
        done = jobs.cancel(job.pk)
        if done:
            record("cancel", request=request, target=capture, job=str(job.pk))
    if done:
        return Answer(True, _("Cancelling. The upload is kept."))
    job.refresh_from_db()
    if job.is_open:
        return Answer(False, _("Cancelling was asked for already; the worker stops soon."))
    sentence = _("Nothing to cancel: the job has already ended (%(state)s).")
    return Answer(False, sentence % {"state": job.get_state_display()})


@action("add_trimjob")
def retry(request: HttpRequest, capture: Capture) -> Answer:
    """Begin the current job anew, after it ended without a result."""
    job = capture.current_job
    with transaction.atomic():
        made = jobs.retry(job, request.user) if job is not None else None
        if made is not None:
            record("retry", request=request, target=capture, job=str(made.pk))
    if made is not None:
        return Answer(True, _("The capture waits for a worker again."))
    if not capture.has_original:
        return Answer(False, _original_is_gone())
    return Answer(False, _("Nothing to retry: only a job without a result can be begun again."))


@action("add_trimjob")
def run_again(request: HttpRequest, capture: Capture) -> Answer:
    """Make another job, with the profile that was chosen (``profile``, a key; ``strategy``)."""
    profile = _profile(request.POST.get("profile", ""))
    if profile is None:
        return Answer(False, _("Choose one of the profiles that are offered."))
    strategy = request.POST.get("strategy", "")
    if strategy and not request.user.has_perm("trimming.override_strategy"):
        raise PermissionDenied
    if strategy and strategy not in available(settings.TRIMMING_STRATEGIES):
        return Answer(False, _("Choose one of the strategies that there are."))
    if refusal := refusal_of(strategy):
        return Answer(False, refusal)
    with transaction.atomic():
        kept = Capture.objects.select_for_update().get(pk=capture.pk)
        if not kept.has_original:
            return Answer(False, _original_is_gone())
        if kept.jobs.open().exists():
            return Answer(False, _("A job still works on this capture. Wait for it or cancel it."))
        job = jobs.create_job(kept, profile, request.user, strategy)
        record("run_again", request=request, target=kept, job=str(job.pk), profile=str(profile))
    return Answer(True, _("The capture waits to be run with %(profile)s.") % {"profile": profile})


@action("delete_capture")
def delete(request: HttpRequest, capture: Capture) -> Answer:
    """Delete the capture with its files."""
    try:
        retention.delete_capture(capture, request)
    except retention.BusyError as busy:
        return Answer(False, str(busy))
    return Answer(True, _("%(name)s was deleted.") % {"name": capture.name}, to_list=True)


@action("delete_capture")
def delete_original(request: HttpRequest, capture: Capture) -> Answer:
    """Delete the uploaded bytes and keep the result."""
    if not capture.has_original:
        return Answer(False, _("The original is deleted already."))
    try:
        retention.delete_original(capture, request)
    except retention.BusyError as busy:
        return Answer(False, str(busy))
    return Answer(True, _("The original was deleted; results are kept."))


def _original_is_gone() -> str:
    return _("The original is deleted. Upload the capture again to run it.")


def _profile(key: str) -> Profile | None:
    number = read_id(key)
    return None if number is None else offered().filter(pk=number).first()


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _forbidden(request: HttpRequest) -> HttpResponse:
    if not _wants_json(request):
        raise PermissionDenied
    message = _("You may not do this. Ask an administrator for the role that may.")
    return JsonResponse({"ok": False, "message": message}, status=403)


def _respond(request: HttpRequest, capture: Capture, answer: Answer) -> HttpResponse:
    if _wants_json(request):
        status = 200 if answer.ok else 409
        return JsonResponse({"ok": answer.ok, "message": answer.message}, status=status)
    tell = messages.success if answer.ok else messages.error
    tell(request, answer.message)
    return redirect("trimming:captures") if answer.to_list else redirect(capture)
