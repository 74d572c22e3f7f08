"""Headers that every answer has beside those of Django: what a browser may do with it, and keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

# the console needs none of what browsers offer to pages; it is asked for copying only
DENIED: Final = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "usb",
    "web-share",
    "xr-spatial-tracking",
)
HEADERS: Final[Mapping[str, str]] = {
    "Permissions-Policy": ", ".join(f"{name}=()" for name in DENIED),
    "Cross-Origin-Resource-Policy": "same-origin",
    # Django adds it to answers that come from within only
    "X-Frame-Options": "DENY",
}
# unless an answer says how long it may be kept
NOT_KEPT: Final = "no-store"
Handler = Callable[[HttpRequest], HttpResponse]


def security_headers(get_response: Handler) -> Handler:
    """Add them; an answer that says otherwise is left as it is."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", NOT_KEPT)
        return response

    return middleware


def of_refusals() -> dict[str, str]:
    """Return the headers of an answer that is given before Django, with names in lower case."""
    found = {name.lower(): value for name, value in HEADERS.items()}
    if settings.SECURE_HSTS_SECONDS:
        found["strict-transport-security"] = (
            f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
        )
    return {
        **found,
        "cache-control": NOT_KEPT,
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cross-origin-opener-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
    }
