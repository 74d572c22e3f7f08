"""What the tour tells: a few steps, and where on the page each of them points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a title, a few sentences, and a selector of what is meant."""

    title: Promise
    text: Promise
    place: str


STEPS: Final = (
    Step(
        _("Give it a capture"),
        _(
            "Drop pcap or pcapng files here, or choose them. Each is trimmed in the background: you"
            " may leave the page meanwhile. The profile says what is hidden besides bodies."
        ),
        "[data-upload]",
    ),
    Step(
        _("Or begin with a sample"),
        _(
            "Captures that come with the first start are in the list, trimmed already. Open one by"
            " its name; each row also has the one thing to do next."
        ),
        "[data-list]",
    ),
    Step(
        _("See what was done"),
        _(
            "The page of a capture tells where every byte went and what was verified. Messages"
            " shows the headers that were kept, Packets the bytes before and after, and Proof is a"
            " signed statement to hand on with the result."
        ),
        "[data-rows] th a",
    ),
    Step(
        _("Know how the service is"),
        _(
            "The strip on top says how the service is in one word, on every page. Press it for the"
            " reasons. Rollout and Routing say which strategy new captures go to."
        ),
        ".top",
    ),
)
