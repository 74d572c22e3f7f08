"""What the page of channels shows of each: whether it could send, what leads there, how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count
from django.utils.translation import gettext_lazy as _

from monitoring.alerts.channel_acts import dead_letters
from monitoring.alerts.conf import alert_settings
from monitoring.alerts.message import MessageKind
from monitoring.alerts.models import Notification, NotificationState
from monitoring.alerts.plan import Plan
from monitoring.alerts.reach import Reach, reach_of
from monitoring.alerts.statistics import PERIODS, ChannelRow, channel_rows
from monitoring.channels.readiness import Readiness, readiness
from monitoring.channels.registered import MADE
from trimming.choices import Look

PERIOD: Final = PERIODS["24h"]
# of each channel so many dead letters are listed, unseen ones first; the rest is counted
LETTERS: Final = 5
TITLES: Final[Mapping[str, Any]] = {
    "email": _("E-mail"),
    "slack": _("Slack"),
    "log": _("Log"),
    "webhook": _("Webhook"),
    "apprise": _("Apprise"),
}
QUIET: Final = Look("unknown", "stop")
OFF: Final = (QUIET, _("Off"))
NEEDS: Final = (Look("warn", "warn"), _("Needs a setting"))
FAILING: Final = (Look("fail", "fail"), _("Failing"))
ON: Final = (Look("ok", "ok"), _("On"))


@dataclass(frozen=True, slots=True)
class ChannelPanel:
    """One channel; ``retrying`` messages were refused and wait for their next attempt."""

    name: str
    ready: Readiness
    reach: Reach
    row: ChannelRow
    retrying: int = 0
    # newest message that was not taken
    failed: Notification | None = None
    # newest test
    test: Notification | None = None
    # whether the test waits for longer than a monitor takes
    is_late: bool = False
    letters: Sequence[Notification] = field(default_factory=tuple)
    letter_count: int = 0

    @property
    def title(self) -> Any:
        """Its name for people."""
        return TITLES[self.name]

    @property
    def _state(self) -> tuple[Look, Any]:
        if not self.ready.is_on:
            return OFF
        if self.ready.lacks:
            return NEEDS
        return FAILING if self.retrying else ON

    @property
    def look(self) -> Look:
        """Tone and shape of its state."""
        return self._state[0]

    @property
    def label(self) -> Any:
        """Its state in words."""
        return self._state[1]

    @property
    def letters_look(self) -> Look:
        """Tone and shape of the dead letters: those that were put aside alarm nobody."""
        return QUIET if all(each.why for each in self.letters) else FAILING[0]

    @property
    def more_letters(self) -> int:
        """How many dead letters are only counted."""
        return self.letter_count - len(self.letters)


def channel_panels(plan: Plan, now: datetime) -> list[ChannelPanel]:
    """Return all channels; the number of queries depends on that of the channels only."""
    rows = {each.channel: each for each in channel_rows(now - PERIOD, now)}
    pending = Notification.objects.filter(state=NotificationState.PENDING, attempts__gt=0)
    retrying = _counts(pending)
    letters = _counts(dead_letters())
    return [
        _panel(name, plan, rows.get(name), retrying.get(name, 0), letters.get(name, 0), now)
        for name in MADE
    ]


def _counts(found: Any) -> dict[str, int]:
    return dict(found.order_by("channel").values_list("channel").annotate(Count("pk")))


def _panel(
    name: str, plan: Plan, row: ChannelRow | None, retrying: int, letters: int, now: datetime
) -> ChannelPanel:
    own = Notification.objects.filter(channel=name)
    test = own.filter(kind=MessageKind.TEST.value).order_by("-at").first()
    patience = timedelta(seconds=alert_settings().silent_seconds)
    return ChannelPanel(
        name,
        readiness(name),
        reach_of(name, plan),
        row or ChannelRow(name),
        retrying,
        own.filter(error_at__isnull=False).order_by("-error_at").first(),
        test,
        test is not None and test.state == NotificationState.PENDING and now - test.at > patience,
        tuple(dead_letters(name).order_by("why", "-ended_at", "key")[:LETTERS]) if letters else (),
        letters,
    )
