"""The versions of the configuration: all of them, one, and restoring it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from config.csv_tables import table
from config.forms import MAX_REASON_CHARACTERS, ReasonForm
from config.in_force import InForce, in_force
from config.meanwhile import since
from config.models import ConfigVersion
from config.restoration import Restoration, restoration
from config.sections import number
from config.versions import ConflictError, newest_number, restore
from config.views.page import CHANGE, VIEW

PAGE_SIZE: Final = 50
MAX_SEARCH_CHARACTERS: Final = 100
# a row for each setting that a version changed
COLUMNS: Final = ("version", "made_utc", "who", "how", "why", "setting", "before", "after")


@never_cache
@require_safe
@permission_required(VIEW, raise_exception=True)
def versions(request: HttpRequest) -> HttpResponse:
    """List the versions, the newest first, or those that name ``q``; a file with ``format=csv``."""
    wanted = request.GET.get("q", "").strip()[:MAX_SEARCH_CHARACTERS]
    found: QuerySet[ConfigVersion] = ConfigVersion.objects.order_by("-number")
    found = found.defer("files", "console")
    found = naming(wanted, found) if wanted else found
    if request.GET.get("format") == "csv":
        return table("configuration", COLUMNS, as_table(found))
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    query = urlencode({"q": wanted}) if wanted else ""
    context = {"page": page, "newest": newest_number(), "wanted": wanted, "query": query}
    return render(request, "config/versions.html", context)


def naming(wanted: str, versions: QuerySet[ConfigVersion]) -> QuerySet[ConfigVersion]:
    """Return the versions whose author, reason or changed settings hold a text."""
    places = ("author_name", "reason", "changed")
    holding = [Q(**{f"{place}__icontains": wanted}) for place in places]
    return versions.annotate(changed=Cast("changes", TextField())).filter(reduce(or_, holding))


def as_table(versions: Iterable[ConfigVersion]) -> Iterator[tuple[Any, ...]]:
    """Return the cells of what versions changed, in the order of COLUMNS."""
    for each in versions:
        about = (each.number, each.at, each.author_name, each.kind, each.reason)
        for change in each.changes or [{}]:
            setting = f"{change['section']}.{change['key']}" if change else None
            yield *about, setting, number(change.get("before", "")), number(change.get("after", ""))


@never_cache
@require_safe
@permission_required(VIEW, raise_exception=True)
def version(request: HttpRequest, number: int) -> HttpResponse:
    """Show one version: what it changed, and what restoring it would."""
    shown = get_object_or_404(ConfigVersion, number=number)
    found = in_force()
    return _page(request, shown, found, restoration(shown, found))


@never_cache
@require_POST
@permission_required((VIEW, CHANGE), raise_exception=True)
def restore_version(request: HttpRequest, number: int) -> HttpResponse:
    """Put in force again what a version gave, as a new version; nothing where it cannot be done."""
    target = get_object_or_404(ConfigVersion, number=number)
    found, form = in_force(), ReasonForm(request.POST)
    plan = restoration(target, found)
    is_current = since(form.base_number, found.number) is None
    if not (is_current and plan.differences and form.is_valid() and found.newest):
        return _page(request, target, found, plan, form)
    try:
        made = restore(target, found.newest, reason=form.cleaned_data["reason"], request=request)
    except ConflictError:
        newer = in_force()
        return _page(request, target, newer, restoration(target, newer), form)
    sentence = _("Version %(made)d applies: version %(target)d was restored.")
    messages.success(request, sentence % {"made": made.number, "target": target.number})
    return redirect("config:configuration")


def _page(
    request: HttpRequest,
    shown: ConfigVersion,
    found: InForce,
    plan: Restoration,
    form: ReasonForm | None = None,
) -> HttpResponse:
    meanwhile = None if form is None else since(form.base_number, found.number)
    context = {
        "version": shown,
        "found": found,
        "plan": plan,
        "is_in_force": shown.number == found.number,
        "can_restore": bool(plan.differences) and request.user.has_perm(CHANGE),
        "form": form,
        "meanwhile": meanwhile,
        "max_reason": MAX_REASON_CHARACTERS,
    }
    # a form whose reason is missing is mended and sent again; the rest needs another look
    is_refused = form is not None and (meanwhile is not None or not plan.differences)
    return render(request, "config/version.html", context, status=409 if is_refused else 200)
