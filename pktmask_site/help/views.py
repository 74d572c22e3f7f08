"""Pages of the documentation."""

from __future__ import annotations

from functools import cache
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from config import documents
from pktmask_site.help.rendering import Addresses, Rendered, rendered

FOLDER: Final = documents.FOLDER / "images"
PICTURES: Final = {".svg": "image/svg+xml", ".webp": "image/webp"}


def address_of(target: str) -> str:
    """Return where a document is, as in ``settings#alerts``, in the console."""
    name, _, section = target.partition("#")
    path = (
        reverse("help:start")
        if name == documents.START
        else reverse("help:document", kwargs={"document": name})
    )
    return f"{path}#{section}" if section else path


def start(request: HttpRequest) -> HttpResponse:
    """Show where the documentation begins."""
    return document(request, documents.START)


@require_safe
def document(request: HttpRequest, document: str) -> HttpResponse:
    """Show a document in the language of the page, or in English."""
    language = get_language() or ""
    found = documents.document(document, language)
    if found is None:
        raise Http404
    context = {
        "document": found,
        "page": in_html(document, found.language),
        "is_start": document == documents.START,
        "is_overdue": found.is_overdue(timezone.now().date()),
        "is_translated": found.language == language,
    }
    return render(request, "help/document.html", context)


@require_safe
def picture(request: HttpRequest, picture: str) -> HttpResponse:
    """Give a picture of the documents."""
    found = {each.name: each for each in FOLDER.iterdir() if each.suffix in PICTURES}
    if picture not in found:
        raise Http404
    path = found[picture]
    return HttpResponse(path.read_bytes(), content_type=PICTURES[path.suffix])


@cache
def in_html(name: str, language: str) -> Rendered:
    """Return a document that there is as HTML; it does not change while the service runs."""
    found = documents.document(name, language)
    assert found is not None
    of_picture = "help:picture"
    return rendered(
        name,
        found.text,
        Addresses(
            documents.names(),
            address_of,
            lambda file: reverse(of_picture, kwargs={"picture": file}),
        ),
    )
