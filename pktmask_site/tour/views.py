"""Ending the tour, and taking it again."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from pktmask_site.tour.models import TourEnd


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Do not show the tour to this person any more."""
    TourEnd.objects.get_or_create(user=cast(User, request.user))
    return redirect("trimming:captures")


@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Show the tour to this person again."""
    TourEnd.objects.filter(user=cast(User, request.user)).delete()
    return redirect("trimming:captures")
