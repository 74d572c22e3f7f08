"""The audit log is verified by the clock: what is found is an alert, and retention waits for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from config.audit import record
from config.chain import HEAD, chain_anew, extend, keys
from config.chain_acts import accept
from config.chain_check import check
from config.current import forget
from config.models import AuditEvent, AuditHead
from monitoring.alerts.inbox import inbox
from monitoring.alerts.message import Severity
from pktmask_site.audit_log.verification import TASK, noted
from pktmask_site.recovery import running
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.codec import fields_of
from pktmask_site.recovery.manifest import TABLES
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.tables import clear, dump, load, rows_in
from pktmask_site.recovery.upkeep import tasks

pytestmark = pytest.mark.django_db


def verified(*, is_dry: bool = False) -> UpkeepRun:
    task = tasks.named(TASK)
    assert task is not None
    (run,) = running.run_all([task], is_dry=is_dry)
    return run


def by_hand(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def alerts() -> dict[str, str]:
    conditions = inbox.found(timezone.now()).conditions
    return {each.rule: each.severity for each in conditions if each.rule == "audit_log_broken"}


def make_events(count: int) -> None:
    for number in range(count):
        record("wave", number=number)
    extend()


def test_a_log_that_nobody_touched_is_no_alert() -> None:
    make_events(3)
    run = verified()
    assert run.state == UpkeepState.DONE
    assert run.sentence == "Nobody touched any of 3 events."
    assert alerts() == {}
    assert noted() == {3: AuditHead.objects.get().link}


def test_a_log_that_was_touched_is_an_alert_that_names_the_event_until_it_is_accepted() -> None:
    make_events(8)
    by_hand("UPDATE config_auditevent SET action = 'bow' WHERE number IN (1, 3, 5, 7)")
    run = verified()
    assert run.state == UpkeepState.FOUND
    assert run.sentence.startswith("Event 1 (row ")
    assert run.sentence.endswith(" And 1 more.")
    assert len(run.details["named"]) == run.details["faults"] == 4
    assert alerts() == {"audit_log_broken": Severity.CRITICAL}
    accept(check(), "a test")
    assert verified().state == UpkeepState.DONE
    assert alerts() == {}


def test_an_end_that_was_cut_off_with_its_head_put_back_is_found_the_next_time() -> None:
    make_events(2)
    before = AuditHead.objects.values().get()
    make_events(2)
    verified()
    by_hand("DELETE FROM config_auditevent WHERE number > 2")
    AuditHead.objects.filter(pk=HEAD).update(**before)
    assert check().is_sound
    run = verified()
    assert run.state == UpkeepState.FOUND
    assert run.sentence == "Each event from 3 to 4 was removed."
    # and is not forgotten with the next one
    assert verified().state == UpkeepState.FOUND


def test_a_log_that_went_through_a_backup_is_sound(tmp_path: Path) -> None:
    make_events(2)
    record("wave", share=0.1, huge=1e300, name="\u2028é", nested={"b": [1, None], "a": {}})
    extend()
    (tmp_path / TABLES).mkdir()
    models: tuple[type[Model], ...] = (AuditEvent, AuditHead)
    members = [dump(model, tmp_path, "default") for model in models]
    clear(models, "default")
    for model, member in zip(models, members, strict=True):
        load(model, rows_in(tmp_path / member.path, fields_of(model)), "default")
    found = check()
    assert found.is_sound
    assert found.events == 3


class TestRetention:
    @pytest.fixture(autouse=True)
    def _old_events(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_events(3)
        AuditEvent._base_manager.update(at=timezone.now() - timedelta(days=500))
        chain_anew(AuditEvent, AuditHead, keys())
        make_events(1)

    @pytest.fixture
    def _a_year(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PKTMASK_RECOVERY__AUDIT_KEEP_DAYS", "365")
        forget()

    def test_events_are_kept_for_ever_unless_somebody_sets_a_time(self) -> None:
        assert verified().sentence == "Nobody touched any of 4 events."
        assert AuditEvent.objects.count() == 4

    @pytest.mark.usefixtures("_a_year")
    def test_old_ones_are_removed_and_the_rest_is_sound(self) -> None:
        dry = verified(is_dry=True)
        assert dry.sentence == "It would verify 4 events; of them 3 were kept long enough."
        assert AuditEvent.objects.count() == 4
        run = verified()
        assert run.sentence == "Nobody touched any of 4 events. Events that were removed: 3."
        assert verified().state == UpkeepState.DONE

    @pytest.mark.usefixtures("_a_year")
    def test_nothing_is_removed_from_a_log_that_was_touched(self) -> None:
        by_hand("UPDATE config_auditevent SET action = 'bow' WHERE number = 2")
        assert verified().state == UpkeepState.FOUND
        assert AuditEvent.objects.count() == 4


def test_what_is_noted_comes_from_sound_runs_only(settings: Any) -> None:
    assert noted() == {}
    make_events(2)
    verified(is_dry=True)
    assert noted() == {}
    by_hand("DELETE FROM config_auditevent WHERE number = 2")
    verified()
    assert noted() == {}
