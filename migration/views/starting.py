"""The form that starts a rollout."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.typed_values import MAX_VALUE_CHARACTERS
from migration.conf import RolloutLimits, rollout_limits
from migration.forms import MAX_REASON_CHARACTERS, StartForm
from migration.limit_rows import group_rows, read_limits, texts_of
from migration.presets import STANDARD, Preset, presets
from migration.views.shared import MAY_OPERATE, REFUSED, watched

PREFIX: Final = "limit:"


@require_http_methods(["GET", "HEAD", "POST"])
@watched
@permission_required(MAY_OPERATE, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST starts a rollout, or fills in the limits of a preset."""
    fields = RolloutLimits.model_fields
    in_force = rollout_limits().model_dump()
    preset = _preset(request.POST.get("preset", STANDARD))
    if request.method != "POST" or request.POST.get("do") == "preset":
        typed = texts_of(fields, in_force, preset.changes)
        return _show(request, StartForm.unbound(request.POST), preset, in_force, typed)
    typed = {key: request.POST.get(PREFIX + key, "") for key in fields}
    typed = {key: text for key, text in typed.items() if PREFIX + key in request.POST}
    changes, problems = read_limits(fields, in_force, typed)
    form = StartForm(request.POST)
    if not form.is_valid() or problems:
        return _show(request, form, preset, in_force, typed, problems=problems)
    refusal = _begin(request, form, changes)
    if refusal:
        return _show(request, form, preset, in_force, typed, refusal=refusal)
    return redirect("migration:page")


def _preset(name: str) -> Preset:
    return next((each for each in presets() if each.name == name), presets()[0])


def _begin(request: HttpRequest, form: StartForm, changes: dict[str, Any]) -> str:
    """Start it; return why it was refused, "" where it was not."""
    from migration import operations
    from trimming.policy import PolicyRefusedError

    given, now = form.cleaned_data, timezone.now()
    try:
        rollout = operations.begin(given["name"], changes, request.user, given["reason"], now)
    except (operations.RefusedError, PolicyRefusedError) as error:
        return str(error)
    messages.success(request, _("%(rollout)s is started.") % {"rollout": rollout.name})
    return ""


def _show(
    request: HttpRequest,
    form: StartForm,
    preset: Preset,
    in_force: dict[str, Any],
    typed: dict[str, str],
    *,
    problems: dict[str, str] | None = None,
    refusal: str = "",
) -> HttpResponse:
    from migration.operations import why_not_now

    fields = RolloutLimits.model_fields
    context = {
        "form": form,
        "preset": preset,
        "presets": presets(),
        "preset_texts": {each.name: texts_of(fields, in_force, each.changes) for each in presets()},
        "groups": group_rows(fields, in_force, typed, problems or {}),
        "problems": problems,
        "refusal": refusal,
        "why_not": refusal or why_not_now(),
        "max_value": MAX_VALUE_CHARACTERS,
        "max_reason": MAX_REASON_CHARACTERS,
    }
    is_refused = bool(problems or refusal or form.errors)
    return render(request, "migration/start.html", context, status=REFUSED if is_refused else 200)
