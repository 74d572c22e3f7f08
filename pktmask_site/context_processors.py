"""What every page is told by the whole."""

from __future__ import annotations

from django.http import HttpRequest

from trimming.conf import drill_settings


def demo(request: HttpRequest) -> dict[str, bool]:
    """Tell whether there is a page of the demo."""
    return {"has_demo": drill_settings().permitted}
