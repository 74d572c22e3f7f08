"""What pages with charts need beyond others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import permission_required
from django.views.decorators.cache import never_cache

MAY_LOOK: Final = "monitoring.view_healthreport"
View = Callable[..., Any]


def with_charts(view: View) -> View:
    """Let the chart library write styles and pictures on this page; scripts stay ours."""
    wider = csp_update({"style-src": [UNSAFE_INLINE], "img-src": ["blob:"]})
    found: View = wider(view)
    return found


def watched(view: View) -> View:
    """Give the page to whoever may look at the service, and never from a cache."""
    guarded: View = permission_required(MAY_LOOK, raise_exception=True)(view)
    cached: View = never_cache(guarded)
    return cached
