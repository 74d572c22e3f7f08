"""Offline tests: the list, one of them, and its pictures.  They are read, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from csp.constants import NONE, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.db.models.fields.json import KeyTransform
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from trimming.ab_test import shown
from trimming.ab_test.draw import ROLES
from trimming.models import OfflineTest
from trimming.quantities import size

PAGE_SIZE = 50
# so many captures are listed; the search finds the others
MAX_LINES = 200
PICTURE_SECONDS = 86_400
# what is drawn, and what it shows to those who do not see it
PICTURES: Mapping[str, str] = {
    "agreement": "agreement",
    "speed": "speed_ratio",
    "memory": "peak_memory_bytes",
}
may_look = permission_required("trimming.view_offlinetest", raise_exception=True)


@dataclass(frozen=True, slots=True)
class Item:
    """One test in the list; figures are empty when the result cannot be read."""

    test: OfflineTest
    agreement: str = ""
    leaked: str = ""
    speed: str = ""
    is_clean: bool | None = None


@require_GET
@never_cache
@may_look
def tests(request: HttpRequest) -> HttpResponse:
    """Show all tests, the newest first."""
    rows = OfflineTest.objects.defer("result").select_related("actor")
    # of a result, which may be long, only the figures
    rows = rows.annotate(
        schema=KeyTransform("schema", "result"),
        version=KeyTransform("version", "result"),
        summary=KeyTransform("summary", "result"),
    )
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "items": [item(test) for test in page]}
    return render(request, "trimming/offline_tests.html", context)


def item(test: Any) -> Item:
    """Return what the list shows of a test that came with its figures."""
    head = {"schema": test.schema, "version": test.version, "summary": test.summary}
    if not shown.is_readable({**head, "captures": []}):
        return Item(test)
    summary = test.summary
    return Item(
        test,
        agreement=shown.share(summary["agreement"]["share"]),
        leaked=size(summary["leaked_bytes"]),
        speed=shown.times(summary["speed_ratio"]["median"]),
        is_clean=shown.is_clean(summary),
    )


@require_GET
@never_cache
@may_look
def test(request: HttpRequest, test_id: int) -> HttpResponse:
    """Show one test: its figures, its pictures and its captures."""
    found = get_object_or_404(OfflineTest.objects.select_related("actor"), pk=test_id)
    context: dict[str, Any] = {"test": found, "is_clean": None}
    if shown.is_readable(found.result):
        context |= facts(found.result, request.GET.get("q", ""))
    return render(request, "trimming/offline_test.html", context)


def facts(result: Mapping[str, Any], search: str) -> dict[str, Any]:
    """Return what the page shows of a result; ``search`` narrows its captures."""
    rows = shown.gravest_first(shown.found(result["captures"], search))
    summary = result["summary"]
    return {
        "result": result,
        "is_clean": shown.is_clean(summary),
        "sentence": shown.sentence(summary),
        "tiles": shown.tiles(summary),
        "versions": [(role, result["strategies"][role] or shown.UNKNOWN) for role in ROLES],
        "machine": shown.machine_facts(result["machine"]),
        "pictures": pictures(summary),
        "lines": shown.lines(rows[:MAX_LINES]),
        "found": len(rows),
        "search": search,
    }


def pictures(summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, title and, for those who do not see it, the content of each picture."""
    tiles = shown.tiles(summary)
    spoken = {tile.key: f"{tile.title}: {tile.figure}, {tile.note}" for tile in tiles}
    titles = {
        "agreement": _("Bytes by what each strategy takes them for"),
        "speed": _("Speed of each capture, scanning to legacy"),
        "memory": _("Peak memory of both strategies"),
    }
    return [(name, titles[name], spoken[key]) for name, key in PICTURES.items()]


@require_GET
@may_look
@csp_replace({"default-src": [NONE], "style-src": [UNSAFE_INLINE]})  # type: ignore[arg-type]  # takes any view
def picture(request: HttpRequest, test_id: int, name: str) -> HttpResponse:
    """Return one picture of a test as an image; it never changes."""
    if name not in PICTURES:
        raise Http404
    found = get_object_or_404(OfflineTest, pk=test_id)
    if not shown.is_readable(found.result):
        raise Http404
    from trimming.ab_test.pictures import draw  # heavy, and seldom needed

    response = HttpResponse(draw(name, found.result, alone=True), content_type="image/svg+xml")
    patch_cache_control(response, private=True, max_age=PICTURE_SECONDS)
    return response
