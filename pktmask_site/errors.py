"""What is said when a page could not be made."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer with a page that asks nothing of the database, and names the request as logs do."""
    context = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(get_template("500.html").render(context), status=500)
