"""The settings of alerts, with their units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final

from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from config.current import current
from config.sections import Accepts, Ordered, Section, registry
from monitoring.alerts import hours, tables

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR


def _read_by(reader: Callable[[str], Any]) -> AfterValidator:
    """Accept the texts that ``reader`` can read."""

    def check(text: str) -> str:
        reader(text)
        return text

    return AfterValidator(check)


ChannelNames = Annotated[
    str,
    _read_by(tables.read_channels),
    Accepts(_("names of channels, as in email, slack, or nothing")),
]
RuleChannels = Annotated[
    str,
    _read_by(tables.read_rule_channels),
    Accepts(_("rules with channels, as in disk: log; health_*: slack, email, or nothing")),
]
Minutes = Annotated[
    str,
    _read_by(tables.read_minutes),
    Accepts(_("severities with minutes, as in critical 10, high 15, or nothing")),
]
HoursOfWeek = Annotated[
    str,
    _read_by(hours.read_hours),
    Accepts(_("hours, as in mon-fri 08:00-18:00, sat 10:00-24:00, or nothing for always")),
]
Zone = Annotated[str, _read_by(hours.read_zone), Accepts(_("a time zone, as in Europe/Berlin"))]


@registry.register
class AlertSettings(Section):
    section: ClassVar = "alerts"
    title: ClassVar = _("Alerts")
    help: ClassVar = _("From what is wrong to a message: times and limits.")

    look_seconds: float = Field(
        1.0, ge=0.2, le=60, description=_("how often the monitor looks at what is wrong")
    )
    group_wait_seconds: float = Field(
        30.0,
        ge=0,
        le=HOUR,
        description=_("the first alert of a group waits so long for others, to be one message"),
    )
    critical_wait_seconds: float = Field(
        5.0, ge=0, le=HOUR, description=_("the same, of critical alerts")
    )
    group_interval_seconds: float = Field(
        300.0, ge=0, le=HOUR, description=_("the next message of a group comes so much later")
    )
    repeat_hours: float = Field(
        4.0,
        ge=0.1,
        le=168,
        description=_("what fires and is not acknowledged is told again after this"),
    )
    flap_firings: int = Field(
        3,
        ge=2,
        le=100,
        description=_("what fires so often within `flap_minutes` counts as flapping"),
    )
    flap_minutes: float = Field(
        30.0, ge=1, le=1440, description=_("the time in which firings are counted")
    )
    settle_minutes: float = Field(
        10.0,
        ge=0,
        le=1440,
        description=_("what flaps must be quiet for so long to count as resolved"),
    )
    messages_per_hour: int = Field(
        30,
        ge=2,
        le=3600,
        description=_(
            "of one channel; what is over it comes in digests, which count, too; critical "
            "messages always go and do not count"
        ),
    )
    silence_longest_hours: float = Field(
        168.0, ge=0.1, le=8784, description=_("no silence lasts longer")
    )
    silence_reminder_minutes: float = Field(
        15.0, ge=0, le=1440, description=_("so long before its end a silence is reminded of")
    )
    link_hours: float = Field(
        24.0,
        ge=0.1,
        le=720,
        description=_("the link to acknowledge in a message works for so long"),
    )
    retry_seconds: float = Field(
        5.0,
        ge=0.1,
        le=HOUR,
        description=_(
            "a message that was not taken is sent again after this, then after twice the "
            "time, and so on"
        ),
    )
    retry_longest_seconds: float = Field(
        300.0,
        ge=1,
        le=DAY,
        description=_("no pause between two attempts is longer, unless the receiver asks for it"),
    )
    give_up_hours: float = Field(
        24.0, ge=0.1, le=720, description=_("what is not taken for so long is a dead letter")
    )
    claim_seconds: float = Field(
        180.0,
        ge=10,
        le=HOUR,
        description=_("a message whose sender was killed is sent by another one after this"),
    )
    backlog_minutes: float = Field(
        1.0,
        ge=0.1,
        le=1440,
        description=_(
            "when a channel works again, messages that waited longer than this come as one "
            "digest; critical ones one by one"
        ),
    )
    failing_attempts: int = Field(
        3,
        ge=1,
        le=1000,
        description=_("a channel that refused so often what it should take is failing"),
    )
    silent_seconds: float = Field(
        20.0,
        ge=5,
        le=HOUR,
        description=_("a monitor that has not looked for so long is told by another process"),
    )
    keep_days: float = Field(
        90.0, ge=31, le=3650, description=_("alerts that are over are removed after this")
    )


@registry.register
class RouteSettings(Section):
    section: ClassVar = "alert_routes"
    title: ClassVar = _("Alert routes")
    help: ClassVar = _("Who is told of what, and when.")

    low_channels: ChannelNames = Field("log", description=_("of low alerts"))
    medium_channels: ChannelNames = Field("log, email, slack", description=_("of medium alerts"))
    high_channels: ChannelNames = Field(
        "log, email, slack, webhook", description=_("of high alerts")
    )
    critical_channels: ChannelNames = Field(
        "log, email, slack, webhook, apprise", description=_("of critical alerts")
    )
    rule_channels: RuleChannels = Field(
        "", description=_("of rules by name or pattern, instead of those of their severity")
    )
    low_hours: HoursOfWeek = Field(
        "", description=_("low alerts are told in these hours; others wait for them")
    )
    medium_hours: HoursOfWeek = Field("", description=_("the same, of medium alerts"))
    high_hours: HoursOfWeek = Field("", description=_("the same, of high alerts"))
    critical_hours: HoursOfWeek = Field("", description=_("the same, of critical alerts"))
    zone: Zone = Field("UTC", description=_("time zone of all hours, also those of support levels"))
    reminder_channels: ChannelNames = Field(
        "log, email", description=_("of reminders that a silence ends")
    )


@registry.register
class EscalationSettings(Section):
    section: ClassVar = "escalation"
    title: ClassVar = _("Escalation")
    help: ClassVar = _("When the next support level is told of what nobody acknowledges.")

    level_2_minutes: Minutes = Field(
        "critical 10, high 15, medium 30",
        description=_("after the first message; severities that are missing do not escalate"),
    )
    level_3_minutes: Minutes = Field("critical 20, high 45", description=_("the same, for level 3"))
    level_2_channels: ChannelNames = Field(
        "", description=_("channels of level 2; empty: those of the alert")
    )
    level_3_channels: ChannelNames = Field(
        "", description=_("channels of level 3; empty: those of the alert")
    )
    level_1_hours: HoursOfWeek = Field(
        "",
        description=_("when level 1 is on duty; outside an alert begins at the next level that is"),
    )
    level_2_hours: HoursOfWeek = Field(
        "", description=_("when level 2 is on duty; outside it is passed over")
    )
    level_3_hours: HoursOfWeek = Field("", description=_("when level 3 is on duty"))


registry.rule(
    Ordered(
        "alerts.critical_wait_seconds",
        "alerts.group_wait_seconds",
        _("critical alerts wait no longer than others"),
        or_equal=True,
    ),
    Ordered(
        "alerts.look_seconds",
        "alerts.silent_seconds",
        _("or a monitor that works would be taken for silent"),
    ),
    Ordered(
        "alerts.retry_seconds",
        "alerts.retry_longest_seconds",
        _("pauses between attempts grow"),
        or_equal=True,
    ),
)


def alert_settings() -> AlertSettings:
    """Return the settings in force."""
    return current().of(AlertSettings)


def route_settings() -> RouteSettings:
    """Return the routes in force."""
    return current().of(RouteSettings)


def escalation_settings() -> EscalationSettings:
    """Return the settings in force."""
    return current().of(EscalationSettings)
