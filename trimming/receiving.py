"""What is done with an upload: what was chosen, which files are kept, and why others are not.

For the form of a page and for scripts alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from django import forms
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.languages.told import listed
from trimming.backpressure import room_for
from trimming.choices import Priority
from trimming.engine.strategies.registry import available
from trimming.intake import Accepted, take_in
from trimming.models import AnyUser, Capture, Profile
from trimming.overrides import refusal_of
from trimming.profiles import offered
from trimming.uploads import UPLOAD_FIELD, ReceivedCapture, Refusal, cannot_write, refused_uploads

MAX_STRATEGY_CHARACTERS: Final = 64
log = structlog.get_logger("pktmask.uploads")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an upload.  ``is_full``: some files were refused because too many wait."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    is_full: bool = False


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

    def __init__(self, data: Any, user: AnyUser, profile_by: str = "pk") -> None:
        """Take ``profile`` by its number, or by what else is asked for (``name``)."""
        super().__init__(data)
        self._user = user
        chosen = self.fields["profile"]
        assert isinstance(chosen, forms.ModelChoiceField)
        chosen.queryset, chosen.to_field_name = offered(), profile_by

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
                % {"known": listed(sorted(known))}
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


def receive(request: HttpRequest, *, profile_by: str = "pk") -> Outcome:
    """Take in the files of the form, each for itself.  The permission was checked."""
    received = [
        file for file in request.FILES.getlist(UPLOAD_FIELD) if isinstance(file, ReceivedCapture)
    ]
    refused = list(refused_uploads(request))
    if not received and not refused:
        return Outcome(refused=[Refusal("", _("No file was chosen. Choose one or more captures."))])
    form = UploadForm(request.POST, request.user, profile_by)
    if not form.is_valid():
        reason = " ".join(str(text) for texts in form.errors.values() for text in texts)
        more = [Refusal(file.name or "", reason) for file in received]
        return Outcome(refused=refused + (more or [Refusal("", reason)]))
    accepted: list[Accepted] = []
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
    return Outcome(accepted, refused, is_full=len(received) > room.files)


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
            name,
            _("The database could not keep it. Upload it again: nothing is kept twice."),
        )
    finally:
        file.close()


def as_json(accepted: Accepted) -> dict[str, Any]:
    """Return what scripts are told of a capture that was taken in."""
    capture = accepted.capture
    return {
        "name": capture.name,
        "capture": str(capture.pk),
        "url": capture.get_absolute_url(),
        "duplicate": accepted.duplicate,
        "note": accepted.note,
    }
