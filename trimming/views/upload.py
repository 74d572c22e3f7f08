"""Taking captures in."""

from __future__ import annotations

from typing import Any

import structlog
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from trimming.backpressure import room_for
from trimming.choices import Priority
from trimming.engine.strategies.registry import available
from trimming.intake import Accepted, take_in
from trimming.models import AnyUser, Capture, Profile
from trimming.overrides import refusal_of
from trimming.profiles import offered
from trimming.uploads import UPLOAD_FIELD, ReceivedCapture, Refusal, cannot_write, refused_uploads

log = structlog.get_logger("pktmask.uploads")
# the list shows so many refusals one by one; more are counted
SHOWN_REFUSALS = 20
MAX_STRATEGY_CHARACTERS = 64


class UploadForm(forms.Form):
    """What is chosen for all files of one upload."""

    profile = forms.ModelChoiceField(
        queryset=Profile.objects.none(),
        error_messages={
            "required": gettext_lazy("Choose a profile. Nothing was stored."),
            "invalid_choice": gettext_lazy(
                "The profile is not offered any more. Choose another one. Nothing was stored."
            ),
        },
    )
    strategy = forms.CharField(required=False, max_length=MAX_STRATEGY_CHARACTERS)
    priority = forms.TypedChoiceField(
        choices=Priority,
        coerce=int,
        required=False,
        empty_value=Priority.NORMAL,  # type: ignore[arg-type]  # the stubs know of text only
    )

    def __init__(self, data: Any, user: AnyUser) -> None:
        super().__init__(data)
        self._user = user
        chosen = self.fields["profile"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset = offered()

    def clean_strategy(self) -> str:
        """Return the name of a strategy, "" for the usual one."""
        name: str = self.cleaned_data["strategy"]
        if not name:
            return ""
        if not self._may("override_strategy"):
            raise forms.ValidationError(
                _("Your role may not choose the strategy. Nothing was stored.")
            )
        known = available(settings.TRIMMING_STRATEGIES)
        if name not in known:
            raise forms.ValidationError(
                _("This strategy is not known; there are: %(known)s. Nothing was stored.")
                % {"known": ", ".join(sorted(known))}
            )
        if refusal := refusal_of(name):
            raise forms.ValidationError(f"{refusal} " + _("Nothing was stored."))
        return name

    def clean_priority(self) -> int:
        """Return the priority; not everybody may choose another than the usual one."""
        priority: int = self.cleaned_data["priority"]
        if priority != Priority.NORMAL and not self._may("set_priority"):
            raise forms.ValidationError(
                _("Your role may not choose the priority. Nothing was stored.")
            )
        return priority

    def _may(self, permission: str) -> bool:
        return isinstance(self._user, PermissionsMixin) and self._user.has_perm(
            f"trimming.{permission}"
        )


@require_POST
@permission_required("trimming.add_capture", raise_exception=True)
def upload(request: HttpRequest) -> HttpResponse:
    """Take in the files of the form, each for itself."""
    received = [
        file for file in request.FILES.getlist(UPLOAD_FIELD) if isinstance(file, ReceivedCapture)
    ]
    refused = list(refused_uploads(request))
    accepted: list[Accepted] = []
    form = UploadForm(request.POST, request.user)
    if not received and not refused:
        refused.append(Refusal("", _("No file was chosen. Choose one or more captures.")))
    elif not form.is_valid():
        reason = " ".join(str(text) for texts in form.errors.values() for text in texts)
        refused += [Refusal(file.name or "", reason) for file in received]
        if not received:
            refused.append(Refusal("", reason))
    else:
        room = room_for(request.user)
        for number, file in enumerate(received):
            if number >= room.files:
                file.close()
                refused.append(Refusal(file.name or "", room.reason))
                continue
            outcome = _take(file, form.cleaned_data, request)
            if isinstance(outcome, Accepted):
                accepted.append(outcome)
            else:
                refused.append(outcome)
    return _answer(request, accepted, refused)


def _take(
    file: ReceivedCapture, chosen: dict[str, Any], request: HttpRequest
) -> Accepted | Refusal:
    user = request.user
    assert isinstance(user, AbstractBaseUser)  # the permission was checked
    name = file.name or ""
    try:
        return take_in(
            file, user, chosen["profile"], chosen["strategy"], request, chosen["priority"]
        )
    except OSError as error:
        log.warning("not_stored", error=error.strerror)
        return Refusal(name, cannot_write(error))
    except (DatabaseError, Capture.DoesNotExist) as error:
        log.warning("not_stored", error=type(error).__name__)
        return Refusal(
            name, _("The database could not keep it. Nothing was stored; upload it again.")
        )
    finally:
        file.close()


def _answer(request: HttpRequest, accepted: list[Accepted], refused: list[Refusal]) -> HttpResponse:
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        body = {
            "accepted": [_as_json(each) for each in accepted],
            "refused": [{"name": each.name, "reason": each.reason} for each in refused],
        }
        return JsonResponse(body, status=200 if accepted else 422)
    _tell(request, accepted, refused)
    return redirect("trimming:captures")


def _as_json(accepted: Accepted) -> dict[str, Any]:
    capture = accepted.capture
    return {
        "name": capture.name,
        "capture": str(capture.pk),
        "url": capture.get_absolute_url(),
        "duplicate": accepted.duplicate,
        "note": accepted.note,
    }


def _tell(request: HttpRequest, accepted: list[Accepted], refused: list[Refusal]) -> None:
    fresh = sum(not each.duplicate for each in accepted)
    if fresh:
        text = ngettext("%(count)d capture taken in.", "%(count)d captures taken in.", fresh)
        messages.success(request, text % {"count": fresh})
    for each in accepted:
        if each.duplicate:
            messages.info(request, each.note)
    for refusal in refused[:SHOWN_REFUSALS]:
        text = f"{refusal.name}: {refusal.reason}" if refusal.name else refusal.reason
        messages.error(request, text)
    more = len(refused) - SHOWN_REFUSALS
    if more > 0:
        text = ngettext("%(count)d more was refused.", "%(count)d more were refused.", more)
        messages.error(request, text % {"count": more})
