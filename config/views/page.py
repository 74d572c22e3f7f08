"""The page Configuration: what is in force and from where, and changing it."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from config.asked import Asked, asked
from config.choices import VersionKind
from config.current import processes as signs_of_processes
from config.forms import MAX_REASON_CHARACTERS, ReasonForm
from config.in_force import InForce, in_force
from config.models import FilesLook
from config.sections import registry
from config.setting_rows import section_rows
from config.spread import Spread, spread_of
from config.typed_values import MAX_VALUE_CHARACTERS
from config.versions import ConflictError, newest_number, publish

VIEW: Final = "config.view_configversion"
CHANGE: Final = "config.change_configuration"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(VIEW, raise_exception=True)
def configuration(request: HttpRequest) -> HttpResponse:
    """Show what is in force; validate or apply a change of it."""
    found = in_force()
    if request.method != "POST":
        return _page(request, found, Asked())
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    wants_apply = request.POST.get("do") == "apply"
    form = ReasonForm(request.POST, needs_reason=wants_apply)
    change = _read(request, found, form)
    if not (wants_apply and change.can_be_applied and form.is_valid()):
        return _page(request, found, change)
    try:
        version = publish(
            found.newest,
            kind=VersionKind.CONSOLE,
            reason=form.cleaned_data["reason"],
            console=change.edits.console,
            request=request,
        )
    except ConflictError:
        newer = in_force()
        return _page(request, newer, _read(request, newer, form))
    _tell(request, version.number, len(change.differences))
    return redirect("config:configuration")


@never_cache
@require_safe
@permission_required(VIEW, raise_exception=True)
def processes(request: HttpRequest) -> HttpResponse:
    """Show how far the newest version has spread, for a page that is open."""
    return render(request, "config/partials/processes.html", {"spread": _spread(newest_number())})


def _read(request: HttpRequest, found: InForce, form: ReasonForm) -> Asked:
    posted = {name: str(text) for name, text in request.POST.items()}
    return asked(found, form, posted, request.user.get_username())


def _page(request: HttpRequest, found: InForce, change: Asked) -> HttpResponse:
    look = FilesLook.objects.filter(pk=settings.INSTALLATION.name).exclude(problem="").first()
    context = {
        "found": found,
        "asked": change,
        "sections": section_rows(
            registry,
            found.configuration,
            found.console,
            found.beneath,
            change.edits,
            change.problems(),
        ),
        "spread": _spread(found.number),
        "files_look": look,
        "can_change": request.user.has_perm(CHANGE),
        "max_reason": MAX_REASON_CHARACTERS,
        "max_value": MAX_VALUE_CHARACTERS,
    }
    status = 200 if change.meanwhile is None else 409
    return render(request, "config/configuration.html", context, status=status)


def _spread(number: int) -> Spread:
    return spread_of(number, signs_of_processes())


def _tell(request: HttpRequest, number: int, count: int) -> None:
    sentence = ngettext(
        "Version %(number)d applies: %(count)d setting changed.",
        "Version %(number)d applies: %(count)d settings changed.",
        count,
    )
    messages.success(request, sentence % {"number": number, "count": count})
