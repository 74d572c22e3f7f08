"""The tour on a page."""

from __future__ import annotations

from typing import Any

from django import template

from pktmask_site.tour.models import TourEnd
from pktmask_site.tour.steps import STEPS

register = template.Library()


@register.inclusion_tag("tour/tour.html", takes_context=True)
def tour(context: dict[str, Any]) -> dict[str, Any]:
    """Show the tour, or a way back to it for who has ended it."""
    user = context["user"]
    return {
        "steps": STEPS,
        "is_ended": TourEnd.objects.filter(user_id=user.pk).exists(),
        "csrf_token": context.get("csrf_token"),
        "perms": context.get("perms"),
    }
