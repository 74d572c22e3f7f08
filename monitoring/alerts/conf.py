"""The settings of alerts, with their units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final

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
    Accepts("names of channels, as in email, slack, or nothing"),
]
RuleChannels = Annotated[
    str,
    _read_by(tables.read_rule_channels),
    Accepts("rules with channels, as in disk: log; health_*: slack, email, or nothing"),
]
Minutes = Annotated[
    str,
    _read_by(tables.read_minutes),
    Accepts("severities with minutes, as in critical 10, high 15, or nothing"),
]
HoursOfWeek = Annotated[
    str,
    _read_by(hours.read_hours),
    Accepts("hours, as in mon-fri 08:00-18:00, sat 10:00-24:00, or nothing for always"),
]
Zone = Annotated[str, _read_by(hours.read_zone), Accepts("a time zone, as in Europe/Berlin")]


@registry.register
class AlertSettings(Section):
    """From what is wrong to a message: times and limits."""

    section: ClassVar = "alerts"
    title: ClassVar = "Alerts"

    look_seconds: float = Field(
        1.0, ge=0.2, le=60, description="how often the monitor looks at what is wrong"
    )
    group_wait_seconds: float = Field(
        30.0,
        ge=0,
        le=HOUR,
        description="the first alert of a group waits so long for others, to be one message",
    )
    critical_wait_seconds: float = Field(
        5.0, ge=0, le=HOUR, description="the same, of critical alerts"
    )
    group_interval_seconds: float = Field(
        300.0, ge=0, le=HOUR, description="the next message of a group comes so much later"
    )
    repeat_hours: float = Field(
        4.0,
        ge=0.1,
        le=168,
        description="what fires and is not acknowledged is told again after this",
    )
    flap_firings: int = Field(
        3,
        ge=2,
        le=100,
        description="what fires so often within `flap_minutes` counts as flapping",
    )
    flap_minutes: float = Field(
        30.0, ge=1, le=1440, description="the time in which firings are counted"
    )
    settle_minutes: float = Field(
        10.0,
        ge=0,
        le=1440,
        description="what flaps must be quiet for so long to count as resolved",
    )
    messages_per_hour: int = Field(
        30,
        ge=2,
        le=3600,
        description="of one channel; what is over it comes in digests, which count, too; critical "
        "messages always go and do not count",
    )
    silence_longest_hours: float = Field(
        168.0, ge=0.1, le=8784, description="no silence lasts longer"
    )
    silence_reminder_minutes: float = Field(
        15.0, ge=0, le=1440, description="so long before its end a silence is reminded of"
    )
    link_hours: float = Field(
        24.0, ge=0.1, le=720, description="the link to acknowledge in a message works for so long"
    )
    retry_seconds: float = Field(
        5.0,
        ge=0.1,
        le=HOUR,
        description="a message that was not taken is sent again after this, then after twice the "
        "time, and so on",
    )
    retry_longest_seconds: float = Field(
        300.0,
        ge=1,
        le=DAY,
        description="no pause between two attempts is longer, unless the receiver asks for it",
    )
    give_up_hours: float = Field(
        24.0, ge=0.1, le=720, description="what is not taken for so long is a dead letter"
    )
    claim_seconds: float = Field(
        180.0,
        ge=10,
        le=HOUR,
        description="a message whose sender was killed is sent by another one after this",
    )
    backlog_minutes: float = Field(
        1.0,
        ge=0.1,
        le=1440,
        description="when a channel works again, messages that waited longer than this come as one "
        "digest; critical ones one by one",
    )
    failing_attempts: int = Field(
        3,
        ge=1,
        le=1000,
        description="a channel that refused so often what it should take is failing",
    )
    silent_seconds: float = Field(
        20.0,
        ge=5,
        le=HOUR,
        description="a monitor that has not looked for so long is told by another process",
    )
    keep_days: float = Field(
        90.0, ge=31, le=3650, description="alerts that are over are removed after this"
    )


@registry.register
class RouteSettings(Section):
    """Who is told of what, and when."""

    section: ClassVar = "alert_routes"
    title: ClassVar = "Alert routes"

    low_channels: ChannelNames = Field("log", description="of low alerts")
    medium_channels: ChannelNames = Field("log, email, slack", description="of medium alerts")
    high_channels: ChannelNames = Field("log, email, slack, webhook", description="of high alerts")
    critical_channels: ChannelNames = Field(
        "log, email, slack, webhook, apprise", description="of critical alerts"
    )
    rule_channels: RuleChannels = Field(
        "", description="of rules by name or pattern, instead of those of their severity"
    )
    low_hours: HoursOfWeek = Field(
        "", description="low alerts are told in these hours; others wait for them"
    )
    medium_hours: HoursOfWeek = Field("", description="the same, of medium alerts")
    high_hours: HoursOfWeek = Field("", description="the same, of high alerts")
    critical_hours: HoursOfWeek = Field("", description="the same, of critical alerts")
    zone: Zone = Field("UTC", description="time zone of all hours, also those of support levels")
    reminder_channels: ChannelNames = Field(
        "log, email", description="of reminders that a silence ends"
    )


@registry.register
class EscalationSettings(Section):
    """When the next support level is told of what nobody acknowledges."""

    section: ClassVar = "escalation"
    title: ClassVar = "Escalation"

    level_2_minutes: Minutes = Field(
        "critical 10, high 15, medium 30",
        description="after the first message; severities that are missing do not escalate",
    )
    level_3_minutes: Minutes = Field("critical 20, high 45", description="the same, for level 3")
    level_2_channels: ChannelNames = Field(
        "", description="channels of level 2; empty: those of the alert"
    )
    level_3_channels: ChannelNames = Field(
        "", description="channels of level 3; empty: those of the alert"
    )
    level_1_hours: HoursOfWeek = Field(
        "", description="when level 1 is on duty; outside an alert begins at the next level that is"
    )
    level_2_hours: HoursOfWeek = Field(
        "", description="when level 2 is on duty; outside it is passed over"
    )
    level_3_hours: HoursOfWeek = Field("", description="when level 3 is on duty")


registry.rule(
    Ordered(
        "alerts.critical_wait_seconds",
        "alerts.group_wait_seconds",
        "critical alerts wait no longer than others",
        or_equal=True,
    ),
    Ordered(
        "alerts.look_seconds",
        "alerts.silent_seconds",
        "or a monitor that works would be taken for silent",
    ),
    Ordered(
        "alerts.retry_seconds",
        "alerts.retry_longest_seconds",
        "pauses between attempts grow",
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
