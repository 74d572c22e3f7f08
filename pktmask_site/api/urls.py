"""Addresses of the API.  Its description is public: it says nothing that the source does not."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, include, path, re_path
from django.views.decorators.http import require_safe

from pktmask_site.api.root import api, nothing_here, outside
from trimming.uploads import UPLOAD_VIEWS

app_name = "api"
UPLOAD_VIEWS.add("api:captures")
# the library's page for people loads scripts from elsewhere, and is not offered
NOT_OFFERED: Final = "api-root"
# to which the library answers whatever the method
DESCRIPTION: Final = "openapi-json"


def _offered() -> list[URLPattern]:
    found = [each for each in api.urls[0] if isinstance(each, URLPattern)]
    for each in found:
        view = require_safe(each.callback) if each.name == DESCRIPTION else each.callback
        each.callback = outside(view)
    return [each for each in found if each.name != NOT_OFFERED]


urlpatterns = [
    path("v1/", include(_offered())),
    re_path(r"", outside(nothing_here), name="nothing"),
]
