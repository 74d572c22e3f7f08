"""Pages that look into a capture: its messages with their headers, and packets before and after.

For its owner and for administrators, by a permission of their own.  Each look is in the audit log
before anything is read; what was read is in the answer alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from config.audit import record
from config.typed_values import read_id
from trimming.engine.errors import OptionsError
from trimming.engine.options import TrimOptions
from trimming.looking.asking import LookError, Why, look
from trimming.looking.shown import bytes_of, moment, seconds_since
from trimming.looking.words import LookedAt, Messages
from trimming.models import Capture, Profile, TrimRun
from trimming.profiles import as_mapping
from trimming.views.capture_page import Result, newest_result

MESSAGES_A_PAGE: Final = 25
BYTES_A_PAGE: Final = 2048
# what was asked for cannot be given now, was asked for wrongly, or does not come in time
REFUSED, WRONG, LATER = 409, 400, 503
# of an address: with it the capture is read
READ: Final = "read"
PERMISSION: Final = "trimming.inspect_capture"


@dataclass(frozen=True, slots=True)
class Empty:
    """Why a page shows nothing: a title, a sentence, and the status of the answer."""

    title: Any
    sentence: Any
    status: int


NO_RESULT: Final = Empty(
    _("There is no result"),
    _("Messages are read from the trimmed result, and there is none. Run the capture first."),
    REFUSED,
)
HELD: Final = Empty(
    _("The result is in quarantine"),
    _("Nobody may look into it until an approver has released it."),
    REFUSED,
)
ORIGINAL_GONE: Final = Empty(
    _("The original is not kept any more"),
    _(
        "Originals are deleted some days after the upload, or by hand. Without it there is nothing"
        " to compare the result with; messages are read from the result and can still be looked at."
    ),
    REFUSED,
)
NO_PROFILE: Final = Empty(
    _("The profile cannot be read"),
    _("The profile that the capture was run with is damaged. Run the capture again."),
    REFUSED,
)
NOT_A_NUMBER: Final = Empty(
    _("That is no packet"),
    _("Packets are counted from 1: type a whole number."),
    WRONG,
)
PROBLEMS: Final[Mapping[Why, Empty]] = {
    Why.LARGE: Empty(
        _("The capture is too large to look into"),
        _("At most 2 GiB are read for a page. Download the result and open it on your machine."),
        REFUSED,
    ),
    Why.BUSY: Empty(
        _("Others are looking right now"),
        _("A few captures are looked into at a time. Try again in some seconds."),
        LATER,
    ),
    Why.LATE: Empty(
        _("It took too long"),
        _("The capture was not read within 20 seconds. Try again when less is going on."),
        LATER,
    ),
    Why.UNREACHED: Empty(
        _("The storage does not answer"),
        _("Nothing is lost. Try again in a minute; tell an administrator when it happens again."),
        LATER,
    ),
    Why.DAMAGED: Empty(
        _("The file cannot be read"),
        _("It is damaged, or larger than 2 GiB when it is unpacked."),
        REFUSED,
    ),
    Why.NO_PACKET: Empty(
        _("There is no such packet"),
        _("The capture has fewer packets. They are counted from 1."),
        WRONG,
    ),
    Why.TOO_MUCH: Empty(
        _("It needs too much memory"),
        _("Nothing else was affected. Download the result and open it on your machine."),
        REFUSED,
    ),
    Why.FAILED: Empty(
        _("The capture could not be looked into"),
        _("The process that read it failed. Nothing else was affected; tell an administrator."),
        REFUSED,
    ),
}


@dataclass(slots=True)
class _Asked:
    """A look: at which capture, with which result, from which packet on."""

    request: HttpRequest
    capture: Capture
    result: Result | None
    packet: int | None
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def is_to_read(self) -> bool:
        """Whether the capture is to be read now; a page that is opened asks for that itself."""
        return READ in self.request.GET

    @property
    def run(self) -> TrimRun | None:
        return None if self.result is None else self.result.run

    @property
    def is_held(self) -> bool:
        return self.result is not None and self.result.quarantine is not None

    def task(self, look_at: str, options: TrimOptions, **values: int) -> dict[str, Any]:
        return {
            "look": look_at,
            "packet": self.packet,
            "profile": as_mapping(options),
            "is_packed": "," in self.capture.file_format,
            **values,
        }

    def opened(self, template: str) -> HttpResponse:
        """Answer at once with the page, which asks for what takes seconds when it is there."""
        query = self.request.GET.copy()
        query[READ] = "1"
        self.context = {"reading": query.urlencode()}
        return self.answer(template)

    def answer(self, template: str, empty: Empty | None = None) -> HttpResponse:
        context = {
            "capture": self.capture,
            "result": self.result,
            "packet": self.packet,
            "typed": self.request.GET.get("packet", ""),
            "packets": _packets(self.result),
            "empty": empty,
            **self.context,
        }
        status = 200 if empty is None else empty.status
        return render(self.request, template, context, status=status)


def _asked(request: HttpRequest, capture_id: UUID) -> _Asked:
    visible = Capture.objects.visible_to(request.user).select_related("current_job__profile")
    capture = get_object_or_404(visible, pk=capture_id)
    number = read_id(request.GET.get("packet", "1").replace(",", ""))
    return _Asked(request, capture, newest_result(capture), number or None)


def _packets(result: Result | None) -> int | None:
    """Return how many packets the capture has, as its report says."""
    if result is None or result.report is None:
        return None
    return int(result.report.numbers["packets"])


def _options(profile: Profile | None) -> TrimOptions | None:
    try:
        return None if profile is None else profile.trim_options()
    except OptionsError:
        return None


@require_GET
@never_cache
@permission_required(PERMISSION, raise_exception=True)
def messages(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Show the heads of HTTP messages from a packet (``packet``) on, as the result has them."""
    asked = _asked(request, capture_id)
    template = "trimming/messages.html"
    run = asked.run
    if run is None:
        return asked.answer(template, NO_RESULT)
    if asked.is_held:
        return asked.answer(template, HELD)
    if asked.packet is None:
        return asked.answer(template, NOT_A_NUMBER)
    if (options := _options(run.job.profile)) is None:
        return asked.answer(template, NO_PROFILE)
    if not asked.is_to_read:
        return asked.opened(template)
    record("look_at_messages", request=request, target=asked.capture, packet=asked.packet)
    try:
        found = look(asked.task("messages", options, most=MESSAGES_A_PAGE), {"result": run.output})
    except LookError as error:
        return asked.answer(template, PROBLEMS[error.why])
    assert isinstance(found, Messages)
    asked.context = {
        "messages_found": [
            {
                "head": message,
                "at": seconds_since(found.origin_ns, message.timestamp_ns),
                "moment": moment(message.timestamp_ns),
            }
            for message in found.messages
        ],
        "left_out": found.left_out,
        "next_packet": found.next_packet,
    }
    return asked.answer(template)


@require_GET
@never_cache
@permission_required(PERMISSION, raise_exception=True)
def packets(request: HttpRequest, capture_id: UUID) -> HttpResponse:
    """Show bytes of one packet (``packet``) from an offset (``start``) on, before and after."""
    asked = _asked(request, capture_id)
    template = "trimming/packets.html"
    job, run = asked.capture.current_job, asked.run
    start = (read_id(request.GET.get("start", "0")) or 0) // BYTES_A_PAGE * BYTES_A_PAGE
    if not asked.capture.has_original:
        return asked.answer(template, ORIGINAL_GONE)
    if asked.packet is None:
        return asked.answer(template, NOT_A_NUMBER)
    profile = run.job.profile if run is not None else job.profile if job is not None else None
    if (options := _options(profile)) is None:
        return asked.answer(template, NO_PROFILE)
    if not asked.is_to_read:
        return asked.opened(template)
    files = {"original": asked.capture.original}
    if run is not None and not asked.is_held:
        files["result"] = run.output
    record(
        "look_at_packet", request=request, target=asked.capture, packet=asked.packet, start=start
    )
    try:
        found = look(asked.task("packet", options, start=start, most=BYTES_A_PAGE), files)
    except LookError as error:
        return asked.answer(template, PROBLEMS[error.why])
    assert isinstance(found, LookedAt)
    end = min(start + BYTES_A_PAGE, found.captured_len)
    asked.context = {
        "found": found,
        "bytes": bytes_of(found, start, options),
        "is_held": asked.is_held,
        "at": seconds_since(found.origin_ns, found.timestamp_ns),
        "moment": moment(found.timestamp_ns),
        "start": start,
        "last": max(start, end - 1),
        "earlier": start - BYTES_A_PAGE if start else None,
        "later": end if end < found.captured_len else None,
        "before_packet": asked.packet - 1,
        "after_packet": asked.packet + 1 if asked.packet != _packets(asked.result) else 0,
    }
    return asked.answer(template)
