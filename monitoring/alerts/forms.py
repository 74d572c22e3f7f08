"""What people ask for on the pages about alerts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.languages.told import listed
from monitoring.alerts.message import Severity
from monitoring.alerts.models import MAX_REASON_CHARACTERS, AlertRule, Comparison
from monitoring.alerts.rule_rows import title_of
from monitoring.metrics.registry import registry

MAX_HOURS: Final = 8784.0
MAX_NAME_CHARACTERS: Final = 60
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2999


class NoteForm(forms.Form):
    """What is said with an acknowledgement; who follows a link says the name, too."""

    name = forms.CharField(
        required=False,
        max_length=MAX_NAME_CHARACTERS,
        error_messages={
            "max_length": gettext_lazy("The name has more than %(limit_value)d characters.")
        },
    )
    note = forms.CharField(
        required=False,
        max_length=MAX_REASON_CHARACTERS,
        error_messages={
            "max_length": gettext_lazy("The note has more than %(limit_value)d characters.")
        },
    )

    @property
    def refusal(self) -> str:
        """Why nothing is acknowledged; empty where it can be.  Afterwards it is read."""
        if self.is_valid():
            return ""
        said = " ".join(str(each) for found in self.errors.values() for each in found)
        return f"{said} {_('Nothing was acknowledged.')}"


class SilenceForm(forms.Form):
    """A silence, or a maintenance window when it begins later."""

    matchers = forms.CharField(max_length=500)
    reason = forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        error_messages={"required": gettext_lazy("A silence needs a reason.")},
    )
    begins = forms.DateTimeField(required=False)
    hours = forms.FloatField(min_value=0.05, max_value=MAX_HOURS, initial=1.0)

    def clean_begins(self) -> datetime | None:
        """Refuse what is too far away to count with."""
        begins: datetime | None = self.cleaned_data["begins"]
        if begins is not None and not FIRST_YEAR <= begins.year <= LAST_YEAR:
            said = _("A silence begins between %(first)d and %(last)d.")
            raise forms.ValidationError(said % {"first": FIRST_YEAR, "last": LAST_YEAR})
        return begins

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """Return begin and end; it begins now unless said otherwise."""
        begins = self.cleaned_data["begins"] or now
        return begins, begins + timedelta(hours=self.cleaned_data["hours"])


def metric_choices() -> list[tuple[str, str]]:
    """Return what a rule may be about: key, and name with unit."""
    found = []
    for metric in registry.metrics.values():
        for key in metric.sample_keys():
            unit = [metric.unit] if metric.unit else []
            found.append((key, listed([title_of(key), *unit])))
    return sorted(found, key=lambda pair: pair[1])


class RuleForm(forms.Form):
    """A rule that is tried on the past, and saved."""

    name = forms.CharField(max_length=80)
    metric = forms.ChoiceField(choices=metric_choices)
    comparison = forms.ChoiceField(choices=Comparison.choices)
    threshold = forms.FloatField()
    for_seconds = forms.FloatField(min_value=0, max_value=86400, initial=300)
    severity = forms.ChoiceField(choices=Severity.choices, initial=Severity.MEDIUM.value)
    action = forms.CharField(max_length=MAX_REASON_CHARACTERS, required=False)

    def __init__(self, *args: Any, row: AlertRule | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._row = row

    def clean_name(self) -> str:
        """Refuse a name that another rule has."""
        name: str = self.cleaned_data["name"].strip()
        others = AlertRule.objects.filter(name__iexact=name)
        if self._row is not None:
            others = others.exclude(pk=self._row.pk)
        if others.exists():
            raise forms.ValidationError(_("Another rule has this name."))
        return name

    def clean_threshold(self) -> float:
        """Refuse what is no number."""
        value: float = self.cleaned_data["threshold"]
        if not math.isfinite(value):
            raise forms.ValidationError(_("A threshold is a number."))
        return value
