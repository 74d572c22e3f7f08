"""What every page is told by the whole."""

from __future__ import annotations

from django.http import HttpRequest

from pktmask_site.help.pages import section_of
from pktmask_site.help.views import address_of
from trimming.conf import drill_settings


def demo(request: HttpRequest) -> dict[str, bool]:
    """Tell whether there is a page of the demo."""
    return {"has_demo": drill_settings().permitted}


def help_here(request: HttpRequest) -> dict[str, str]:
    """Tell which section of the manuals the page is about."""
    match = request.resolver_match
    return {"help_address": address_of(section_of(match.view_name if match else ""))}
