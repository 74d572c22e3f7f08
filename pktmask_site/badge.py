"""The badge: the health and the rollout by words, as a small picture for pages of other systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.languages.told import listed
from migration import badge as rollouts
from migration.choices import ACTIVE, ROLLOUT_LOOKS, RolloutState
from monitoring import strip
from monitoring.exposition.access import may_read
from monitoring.exposition.conf import exposition_settings
from monitoring.views.outside import refused

# about what a character takes in Verdana of 11 px; a font that is another is fitted
CHARACTER_PX: Final = 7.0
NARROW: Final = frozenset(" ,.:;'!|()ijlftrI1")
NARROW_PX: Final = 4.2
WIDE: Final = frozenset("mwMW%")
WIDE_PX: Final = 10.0
PADDING_PX: Final = 8.0
# white text has a contrast of at least 4.5 on each
COLOURS: Final = {
    "": "#3d4752",
    "ok": "#1f7a3d",
    "warn": "#8a5a00",
    "fail": "#b3261e",
    "run": "#2459a9",
    "unknown": "#5b6570",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One field of the badge; lengths are in px."""

    text: str
    colour: str
    left: float

    @property
    def text_width(self) -> float:
        """How wide its text is drawn, whatever the font."""
        return round(sum(map(_width_px, self.text)), 1)

    @property
    def width(self) -> float:
        """How wide it is."""
        return self.text_width + 2 * PADDING_PX

    @property
    def middle(self) -> float:
        """Where its text stands."""
        return self.left + self.width / 2


def _width_px(character: str) -> float:
    if character in NARROW:
        return NARROW_PX
    return WIDE_PX if character in WIDE else CHARACTER_PX


@login_not_required
@require_safe
@never_cache
def picture(request: HttpRequest) -> HttpResponse:
    """Answer with the badge, to whom the settings let see it."""
    if not exposition_settings().badge_for_all and not may_read(request):
        return refused()
    found = parts(said_at(timezone.now()))
    context = {
        "parts": found,
        "width": sum(part.width for part in found),
        "title": listed(part.text for part in found),
    }
    return render(request, "badge.svg", context, content_type="image/svg+xml")


def said_at(now: datetime) -> list[tuple[str, str]]:
    """Return the words with their tones: the name, the health, the rollout."""
    try:
        health = strip.in_words(strip.facts_at(now, strip.newest_report()))
        return [("PktMask", ""), (health["word"], health["tone"]), _rollout()]
    except DatabaseError:
        return [("PktMask", ""), (_("Not known"), "unknown")]


def _rollout() -> tuple[str, str]:
    facts = rollouts.facts_now()
    if facts is None:
        return _("No rollout"), "unknown"
    state = RolloutState(facts["state"])
    words = str(state.label)
    if state in ACTIVE:
        words = ": ".join(filter(None, (words, rollouts.in_words(facts)["sentence"])))
    return words, ROLLOUT_LOOKS[state].tone


def parts(said: list[tuple[str, str]]) -> list[Part]:
    """Return the fields from left to right."""
    found: list[Part] = []
    left = 0.0
    for text, tone in said:
        found.append(Part(text, COLOURS.get(tone, COLOURS["unknown"]), left))
        left += found[-1].width
    return found
