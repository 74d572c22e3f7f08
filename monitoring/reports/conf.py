"""The settings of reports."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Ordered, Section, registry
from monitoring.alerts.conf import Zone
from monitoring.channels.conf import MailAddresses


@registry.register
class ReportSettings(Section):
    section: ClassVar = "reports"
    title: ClassVar = _("Reports")
    help: ClassVar = _("Which reports are made by the clock, when, and who gets them by mail.")

    daily: bool = Field(True, description=_("whether a report of each day is made"))
    weekly: bool = Field(True, description=_("the same, of each week; weeks begin on Monday"))
    monthly: bool = Field(True, description=_("the same, of each month"))
    zone: Zone = Field("UTC", description=_("time zone of days, weeks, months and of `due_hours`"))
    due_hours: int = Field(
        6, ge=0, le=23, description=_("at which hour of the day after a report is made")
    )
    receivers: MailAddresses = Field(
        "",
        description=_(
            "who gets each report by mail, through the server of the section `email`; empty: nobody"
        ),
    )
    give_up_hours: float = Field(
        24.0, ge=0.5, le=720, description=_("mail that is not taken for so long is given up")
    )
    catch_up_days: float = Field(
        40.0,
        ge=1,
        le=366,
        description=_(
            "a report that was missed is made up for when its time ended within so many days"
        ),
    )
    keep_days: float = Field(
        800.0, ge=32, le=36600, description=_("reports whose time ended before are removed")
    )


registry.rule(
    Ordered(
        "reports.catch_up_days",
        "reports.keep_days",
        _("or what was removed would be made again"),
    )
)


def report_settings() -> ReportSettings:
    """Return the settings in force."""
    return current().of(ReportSettings)
