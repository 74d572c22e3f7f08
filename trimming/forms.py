"""What people choose: what an upload is done with, and what the list is narrowed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import PermissionsMixin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from trimming.choices import JobState, Priority
from trimming.conf import trimming_settings
from trimming.engine.strategies.registry import available
from trimming.listing import Filter
from trimming.models import AnyUser, Profile
from trimming.overrides import Refusal, refusal_among
from trimming.profiles import offered


@dataclass(frozen=True, slots=True)
class UploadChoices:
    """What can be chosen for an upload.  What comes back is checked by the upload's view."""

    profiles: list[Profile]
    # empty where the user may not choose one or there is no choice
    strategies: list[str]
    # value and label; empty where the user may not choose one
    priorities: list[tuple[int, Any]]
    max_bytes: int
    # which of them cannot be chosen now, and why
    refusal: Refusal


def upload_choices(user: AnyUser) -> UploadChoices | None:
    """Return what ``user`` can choose for an upload; None when they may not upload."""
    if not _may(user, "add_capture"):
        return None
    limit = trimming_settings().max_upload_bytes
    strategies = strategies_for(user)
    refusal = refusal_among(strategies) if strategies else Refusal()
    priorities = list(Priority.choices) if _may(user, "set_priority") else []
    return UploadChoices(list(offered()), strategies, priorities, limit, refusal)


def _may(user: AnyUser, permission: str) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(f"trimming.{permission}")


def strategies_for(user: AnyUser) -> list[str]:
    """Return the strategies among which ``user`` may choose; none where there is no choice."""
    names = sorted(available(settings.TRIMMING_STRATEGIES))
    if len(names) < 2 or not _may(user, "override_strategy"):
        return []
    return names


class FilterForm(forms.Form):
    """What the list is narrowed to, from the address.  What is not understood asks for nothing."""

    q = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(required=False, choices=[("", ""), *JobState.choices])
    since = forms.ChoiceField(
        required=False,
        choices=[
            ("", pgettext_lazy("time", "Any time")),
            ("24h", _("Last 24 h")),
            ("7d", _("Last 7 d")),
            ("30d", _("Last 30 d")),
        ],
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[
            ("", _("Newest upload first")),
            ("uploaded", _("Oldest upload first")),
            ("-started", _("Newest start first")),
            ("started", _("Oldest start first")),
            ("name", _("By name")),
            ("-name", _("By name, backwards")),
            ("-size", _("Largest first")),
            ("size", _("Smallest first")),
            ("state", _("By state")),
            ("-state", _("By state, backwards")),
        ],
    )
    page = forms.IntegerField(required=False, min_value=1)

    def read(self) -> Filter:
        """Return what is asked for."""
        self.is_valid()
        values = self.cleaned_data
        return Filter(
            state=values.get("state", ""),
            search=values.get("q", "").strip(),
            since=values.get("since", ""),
            sort=values.get("sort", ""),
        )

    def number(self) -> int:
        """Return the page that is asked for, from 1.  After ``read()``."""
        return self.cleaned_data.get("page") or 1
