"""Rules: those that are built in, those that operators added, and trying one on the past."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.audit import record
from monitoring.alerts.back_test import DAYS, SHOWN, BackTest, back_test
from monitoring.alerts.forms import RuleForm
from monitoring.alerts.inbox import inbox
from monitoring.alerts.models import AlertRule, RuleMode
from monitoring.alerts.rule_rows import OWN, unit_of
from monitoring.overview import spark
from monitoring.views.alerts import MAY_LOOK, watched

MAY_CHANGE = "monitoring.change_alertrule"
# height of the picture of a back-test, as of every spark
HEIGHT = 100


@require_http_methods(["GET", "HEAD", "POST"])
@watched
def page(request: HttpRequest) -> HttpResponse:
    """Show all rules; try a new one, or save it."""
    return _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@watched
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rule in the form; try it with other values, or save these."""
    return _page(request, get_object_or_404(AlertRule, pk=pk))


@require_POST
@permission_required((MAY_LOOK, MAY_CHANGE), raise_exception=True)
def mode(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a rule on or off, or let it run dry."""
    row = get_object_or_404(AlertRule, pk=pk)
    wanted = request.POST.get("mode", "")
    if wanted not in RuleMode.values:
        messages.warning(request, _("Nothing was changed: there is no such mode."))
        return redirect("alerts:rules")
    before = row.mode
    row.mode, row.changed_at, row.changed_by = wanted, timezone.now(), request.user  # type: ignore[assignment]  # who is signed in
    row.save(update_fields=["mode", "changed_at", "changed_by"])
    record("alert_rule_switched", request=request, target=row, before=before, after=wanted)
    said = _("%(name)s: %(mode)s.")
    messages.success(request, said % {"name": row.name, "mode": row.get_mode_display()})
    return redirect("alerts:rules")


def _page(request: HttpRequest, row: AlertRule | None) -> HttpResponse:
    form = RuleForm(initial=_initial(row), row=row)
    tried: BackTest | None = None
    status = 200
    if request.method == "POST":
        if not request.user.has_perm(MAY_CHANGE):
            return render(request, "403.html", status=403)
        form = RuleForm(request.POST, row=row)
        if form.is_valid():
            asked = form.cleaned_data
            tried = back_test(
                asked["metric"],
                asked["comparison"],
                asked["threshold"],
                asked["for_seconds"],
                timezone.now(),
            )
            if request.POST.get("act") == "save":
                saved = _save(request, row, asked, tried)
                messages.success(request, _saved(saved))
                return redirect("alerts:rules")
        else:
            status = 422
    context = {
        "form": form,
        "rule": row,
        "tried": tried,
        "days": DAYS,
        "shown": () if tried is None else tried.firings[:SHOWN],
        "picture": None if tried is None else _picture(tried, form.cleaned_data["threshold"]),
        "unit": "" if tried is None else unit_of(form.cleaned_data["metric"]),
        "own": AlertRule.objects.select_related("changed_by"),
        "built_in": [each for name, each in sorted(inbox.rules().items()) if name != OWN.name],
        "modes": RuleMode,
        "may_change": request.user.has_perm(MAY_CHANGE),
    }
    return render(request, "monitoring/alert_rules.html", context, status=status)


def _initial(row: AlertRule | None) -> dict[str, Any]:
    names = RuleForm.base_fields
    return {} if row is None else {name: getattr(row, name) for name in names}


def _save(
    request: HttpRequest, row: AlertRule | None, asked: dict[str, Any], tried: BackTest
) -> AlertRule:
    """Save what was tried.  A new rule runs dry, until somebody switches it on."""
    values = {
        **asked,
        "back_test_count": tried.count,
        "back_test_days": tried.days,
        "changed_at": timezone.now(),
        "changed_by": request.user,
    }
    if row is None:
        saved = AlertRule.objects.create(**values)
    else:
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
        saved = row
    record("alert_rule_saved", request=request, target=saved, rule=asked)
    return saved


def _saved(row: AlertRule) -> str:
    said = _("%(name)s is saved: %(mode)s. It would have fired %(count)d times in %(days)s days.")
    return said % {
        "name": row.name,
        "mode": row.get_mode_display(),
        "count": row.back_test_count,
        "days": f"{row.back_test_days:g}",
    }


def _picture(tried: BackTest, threshold: float) -> dict[str, Any] | None:
    known = [each for each in tried.values if each is not None]
    if not known:
        return None
    most = max(*known, threshold, 0.0)
    if most <= 0:
        return None
    # as spark draws it
    limit_y = HEIGHT - 4 - (HEIGHT - 8) * min(1.0, max(0.0, threshold) / most)
    return {"sparks": [{"path": spark(list(tried.values), most), "kind": "i"}], "limit_y": limit_y}
