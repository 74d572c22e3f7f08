"""Reports tell of restore drills and backups, and say so when there were none."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from monitoring.reports.choices import ReportKind
from monitoring.reports.periods import period_of
from monitoring.reports.sections import Span, sections
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.report_parts import recovery
from tests.pktmask_site.recovery.conftest import NOW

pytestmark = pytest.mark.django_db
SPAN = Span(period_of(ReportKind.WEEK, NOW, ZoneInfo("UTC")), NOW + timedelta(seconds=1))


def ran(task: str, state: UpkeepState, **values: object) -> None:
    plain = {"asked_at": NOW, "ended_at": NOW, "sentence": f"{task} {state}", **values}
    UpkeepRun.objects.create(task=task, state=state, **plain)


def test_the_drills_and_backups_of_the_time_are_told() -> None:
    ran("restore_drill", UpkeepState.DONE)
    ran("restore_drill", UpkeepState.FAILED)
    ran("backup", UpkeepState.DONE)
    ran("backup", UpkeepState.DONE, is_dry=True)
    ran("sessions", UpkeepState.DONE)
    ran("backup", UpkeepState.DONE, ended_at=NOW - timedelta(days=30))
    [part] = recovery(SPAN)
    assert part.said == "2 restore drills were held; 1 passed."
    assert len(part.tables[0].rows) == 3
    assert part.permission == "pktmask_site.view_upkeeprun"


def test_a_time_without_any_says_so() -> None:
    [part] = recovery(SPAN)
    assert (part.said, part.tables) == ("No restore drill was held.", [])


def test_it_is_a_part_of_every_report() -> None:
    assert "recovery" in {part.name for part in sections.parts(SPAN)}
