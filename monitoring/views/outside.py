"""What other systems read: figures for Prometheus, and whether the service lives and is ready."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from monitoring.exposition.access import may_read
from monitoring.exposition.page import page_at
from monitoring.readiness import probes


@login_not_required
@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all figures, to whom the settings let read them."""
    if not may_read(request):
        return refused()
    content, content_type = page_at(timezone.now(), request.headers.get("Accept", ""))
    return HttpResponse(content, content_type=content_type)


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that this process lives; nothing else is asked."""
    return JsonResponse({"alive": True})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer with each probe; 503 unless all are ready."""
    answers = probes.ask(timezone.now())
    is_ready = all(answer.is_ready for answer in answers.values())
    told = {
        name: {"ready": answer.is_ready, "sentence": answer.sentence}
        for name, answer in answers.items()
    }
    status = 200 if is_ready else 503
    return JsonResponse({"ready": is_ready, "probes": told}, status=status)


def refused() -> HttpResponse:
    """Say what is missing."""
    said = _(
        "Send the token as “Authorization: Bearer ...”, or sign in. An administrator sets the "
        "token, and from where none is needed, in the section exposition of the settings."
    )
    return HttpResponse(
        f"{said}\n",
        status=401,
        content_type="text/plain; charset=utf-8",
        headers={"WWW-Authenticate": 'Bearer realm="PktMask"'},
    )
