"""Silences and maintenance windows: those in force, making one, ending one."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from monitoring.alerts.acts import RefusedError, end_silence, silence
from monitoring.alerts.conf import alert_settings
from monitoring.alerts.forms import SilenceForm
from monitoring.alerts.models import Alert, Silence
from monitoring.alerts.store import ALERT_FIELDS, facts_of, silence_facts
from monitoring.alerts.tables import matchers_text, matches
from monitoring.alerts.values import AlertState
from monitoring.views.alerts import MAY_LOOK, MAY_SILENCE, watched

ENDED: Final = 20


@require_http_methods(["GET", "HEAD", "POST"])
@watched
def page(request: HttpRequest) -> HttpResponse:
    """Show silences, and make one where the form was sent."""
    may = request.user.has_perm(MAY_SILENCE)
    refusal, status = "", 200
    form = SilenceForm(initial={"matchers": request.GET.get("matchers", "")[:500], "hours": 1})
    if request.method == "POST":
        if not may:
            return render(request, "403.html", status=403)
        form = SilenceForm(request.POST)
        try:
            if form.is_valid():
                row = _make(request, form)
                said = _("Silence %(pk)d is in force until %(ends)s UTC.")
                names = {"pk": row.pk, "ends": f"{row.ends:%Y-%m-%d %H:%M}"}
                messages.success(request, said % names)
                return redirect("alerts:silences")
            refusal = " ".join(str(each) for found in form.errors.values() for each in found)
        except RefusedError as error:
            refusal = str(error)
        status = 422
    context = {"form": form, "refusal": refusal, "may_silence": may, **_lists()}
    return render(request, "monitoring/silences.html", context, status=status)


@require_POST
@permission_required((MAY_LOOK, MAY_SILENCE), raise_exception=True)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a silence now."""
    if end_silence(pk, request.user.get_username(), timezone.now(), request):
        messages.success(request, _("The silence has ended; what still fires is told."))
    else:
        messages.warning(request, _("Nothing was changed: this silence is over already."))
    return redirect("alerts:silences")


def _make(request: HttpRequest, form: SilenceForm) -> Silence:
    now = timezone.now()
    begins, ends = form.span(now)
    return silence(
        form.cleaned_data["matchers"],
        request.user.get_username(),
        form.cleaned_data["reason"],
        begins,
        ends,
        now,
        request,
    )


def _lists() -> dict[str, Any]:
    now = timezone.now()
    firing = [
        facts_of(row)
        for row in Alert.objects.filter(state=AlertState.FIRING).values_list(*ALERT_FIELDS)
    ]
    found = [
        {
            "row": row,
            "text": matchers_text(tuple(row.matchers.items())),
            "is_in_force": row.begins <= now,
            "count": sum(matches(silence_facts(row).matchers, each) for each in firing),
        }
        for row in Silence.objects.filter(ends__gt=now).order_by("ends")
    ]
    ended = [
        {"row": row, "text": matchers_text(tuple(row.matchers.items()))}
        for row in Silence.objects.filter(ends__lte=now)[:ENDED]
    ]
    return {
        "silences": found,
        "ended": ended,
        "longest_hours": alert_settings().silence_longest_hours,
    }
