"""The settings of recovery, with their units."""

from __future__ import annotations

from typing import ClassVar, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Section, registry

YEAR_HOURS = 8760.0


@registry.register
class RecoverySettings(Section):
    section: ClassVar = "recovery"
    title: ClassVar = _("Recovery")
    help: ClassVar = _("Backups by the clock, drills that restore them, and upkeep.")

    upkeep_hours: float = Field(
        24.0, ge=1, le=YEAR_HOURS, description=_("how often each task of upkeep runs")
    )
    backup_hours: float = Field(
        24.0, ge=0, le=YEAR_HOURS, description=_("how often a backup is made; 0 makes none")
    )
    backup_files: Literal["none", "originals", "outputs", "all"] = Field(
        "none",
        description=_(
            "which stored files these backups hold; they outlive deletion for as long as "
            "the backup is kept"
        ),
    )
    backup_folder: str = Field(
        "",
        max_length=500,
        description=_(
            "where these backups are kept, best on another disk; empty for the folder "
            "backups in the data folder"
        ),
    )
    keep_daily_days: int = Field(
        7, ge=1, le=3650, description=_("the newest backup of each of so many days is kept")
    )
    keep_weekly_days: int = Field(
        28, ge=0, le=36_500, description=_("and the newest of each week of so many days")
    )
    drill_hours: float = Field(
        168.0,
        ge=0,
        le=YEAR_HOURS,
        description=_(
            "how often the newest backup is restored in a place of its own, compared, and "
            "thrown away; 0 never does"
        ),
    )
    audit_keep_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description=_(
            "how long events of the audit log are kept; 0 keeps them for ever. They are "
            "removed only when the whole log was verified before"
        ),
    )


def recovery_settings() -> RecoverySettings:
    """Return the settings in force."""
    return current().of(RecoverySettings)
