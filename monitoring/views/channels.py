"""Channels: which could send, what leads to each, how it went; a preview, and a test."""

from __future__ import annotations

from typing import Any, Final

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST, require_safe

from config.languages.told import in_record
from monitoring.alerts.acts import RefusedError
from monitoring.alerts.channel_acts import send_test
from monitoring.alerts.channel_panels import TITLES, channel_panels
from monitoring.alerts.listing import FIRING
from monitoring.alerts.look import enabled_channels
from monitoring.alerts.message import Message
from monitoring.alerts.models import Alert
from monitoring.alerts.plan_in_force import plan_in_force
from monitoring.alerts.previews import preview_of, sample_preview
from monitoring.channels.conf import public_url
from monitoring.channels.registered import MADE
from monitoring.views.alerts import MAY_ACKNOWLEDGE, MAY_LOOK, change_dead_letters, watched
from monitoring.views.shared import View

MAY_TEST: Final = "monitoring.test_channels"
HTML: Final = "text/html"
# parts of each channel that an open page puts in anew
PARTS: Final = ("channel_facts", "channel_test")
# firing alerts to choose from for a preview
CHOICES: Final = 20
# a mail brings its styles and its picture with it; it loads, runs and sends nothing
MAIL_POLICY: Final = {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:"],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": [""],
}


def with_frame(view: View) -> View:
    """Let a page frame pages of ours."""
    found: View = csp_update({"frame-src": [SELF]})(view)
    return found


def in_frame(view: View) -> View:
    """Let pages of ours frame this one, and this one do nothing but be looked at."""
    found: View = csp(MAIL_POLICY)(xframe_options_sameorigin(view))
    return found


def for_testers(view: Any) -> Any:
    """Give the page to whoever may try channels, and never from a cache."""
    return watched(permission_required(MAY_TEST, raise_exception=True)(view))


@require_safe
@watched
def page(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    return render(request, "monitoring/channels.html", _context(request))


@require_GET
@watched
def data(request: HttpRequest) -> JsonResponse:
    """Answer with the parts of an open page as they are now."""
    context = _context(request)
    parts = {
        f"{part}_{panel.name}": render_to_string(
            f"monitoring/partials/{part}.html", {**context, "panel": panel}, request
        )
        for panel in context["panels"]
        for part in PARTS
    }
    return JsonResponse({"parts": parts})


@require_POST
@permission_required((MAY_LOOK, MAY_TEST), raise_exception=True)
def test(request: HttpRequest, channel: str) -> HttpResponse:
    """Put a test into the outbox; the page shows what comes of it."""
    _known(channel)
    try:
        send_test(channel, timezone.now(), request)
    except RefusedError as error:
        messages.warning(request, str(error))
    else:
        said = _("A test for %(channel)s is on its way; what comes of it appears with the channel.")
        messages.success(request, said % {"channel": TITLES[channel]})
    return redirect("alerts:channels")


@require_POST
@permission_required((MAY_LOOK, MAY_ACKNOWLEDGE), raise_exception=True)
def letters(request: HttpRequest, channel: str) -> HttpResponse:
    """Send dead letters of a channel again, or put them aside."""
    _known(channel)
    change_dead_letters(request, channel)
    return redirect("alerts:channels")


@require_safe
@for_testers
@with_frame
def preview(request: HttpRequest, channel: str) -> HttpResponse:
    """Show what a channel would send of an alert that fires, or of a sample."""
    _known(channel)
    chosen = request.GET.get("alert", "")
    shown = dict(MADE[channel]().preview(_message(chosen)))
    context = {
        "channel": channel,
        "title": TITLES[channel],
        "chosen": chosen,
        "choices": Alert.objects.filter(FIRING)[:CHOICES],
        "has_html": shown.pop(HTML, None) is not None,
        "parts": shown,
        "has_links": bool(public_url()),
    }
    return render(request, "monitoring/channel_preview.html", context)


@require_safe
@for_testers
@in_frame
def mail(request: HttpRequest, channel: str) -> HttpResponse:
    """Answer with the HTML of a preview alone, for the frame of its page."""
    _known(channel)
    shown = MADE[channel]().preview(_message(request.GET.get("alert", "")))
    if HTML not in shown:
        raise Http404
    return HttpResponse(shown[HTML])


def _known(channel: str) -> None:
    if channel not in MADE:
        raise Http404


def _message(chosen: str) -> Message:
    """Return what is shown: the alert of that key, without one a sample."""
    now = timezone.now()
    # the channel says it in the language of what is sent
    with in_record():
        if not chosen:
            return sample_preview(now)
        return preview_of(get_object_or_404(Alert, FIRING, pk=chosen), now)


def _context(request: HttpRequest) -> dict[str, Any]:
    now = timezone.now()
    return {
        "panels": channel_panels(plan_in_force(enabled_channels()), now),
        "has_links": bool(public_url()),
        "may_test": request.user.has_perm(MAY_TEST),
        "may_acknowledge": request.user.has_perm(MAY_ACKNOWLEDGE),
    }
