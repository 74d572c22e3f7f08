"""The audit log in the database: chained after each commit, and verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from config.audit import record
from config.chain import HEAD, HeadError, chain_anew, extend, extend_quietly, keys
from config.chain_acts import accept, prune
from config.chain_check import ACCEPTED, PRUNED, check
from config.chain_rules import Kind
from config.models import AuditEvent, AuditHead
from tests.factories import make_user

pytestmark = pytest.mark.django_db
# of an event: to write it; of what links it: whether any waits, the head, those that wait, their
# numbers and links, the head, and the ends of a transaction
MOST_QUERIES_TO_WRITE = 1
MOST_QUERIES_TO_LINK = 7


def make_events(count: int = 6) -> list[AuditEvent]:
    """Return events that are linked."""
    user = make_user()
    made = [record("wave", actor=user, target=user, times=number) for number in range(count)]
    extend()
    for event in made:
        event.refresh_from_db()
    return made


def by_hand(statement: str, *values: str | int) -> None:
    """Do what a person with a client of the database can do."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def faults() -> list[tuple[Kind, int | None, int | None]]:
    return [(fault.kind, fault.first, fault.id) for fault in check().faults]


def test_an_event_is_sealed_at_once_and_linked_after_the_commit(
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        event = record("wave")
        assert event.seal.startswith(keys().current.name)
        assert (event.number, AuditEvent.objects.get(pk=event.pk).link) == (None, "")
    event.refresh_from_db()
    assert event.number == AuditHead.objects.get().number == 1
    assert event.link == AuditHead.objects.get().link
    assert check().is_sound


def test_a_log_says_where_the_chain_ends(django_capture_on_commit_callbacks: Any) -> None:
    with capture_logs() as logs, django_capture_on_commit_callbacks(execute=True):
        record("wave")
    (said,) = [line for line in logs if line["event"] == "audit_chained"]
    head = AuditHead.objects.get()
    assert (said["number"], said["link"]) == (head.number, head.link)


def test_events_take_few_queries(
    django_assert_max_num_queries: Any, django_capture_on_commit_callbacks: Any
) -> None:
    make_events(1)
    with django_assert_max_num_queries(MOST_QUERIES_TO_WRITE):
        record("wave")
    with django_assert_max_num_queries(MOST_QUERIES_TO_LINK):
        extend()
    with django_assert_max_num_queries(1):
        extend()
    # however many wait
    with transaction.atomic():
        for _ in range(20):
            record("wave")
    with django_assert_max_num_queries(MOST_QUERIES_TO_LINK):
        assert extend() == 20


def test_many_that_wait_are_linked_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.chain.PASS", 3)
    make_events(8)
    found = check()
    assert found.is_sound
    assert found.events == 8


def test_a_log_that_nobody_touched_is_sound() -> None:
    assert check().is_sound
    events = make_events()
    found = check()
    assert found.is_sound
    assert (found.events, found.number, found.link) == (6, 6, events[-1].link)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "bow"),
        ("actor_name", "somebody else"),
        ("address", "192.0.2.8"),
        ("target_id", ""),
        ("at", "2026-01-01 00:00:00"),
        ("details", '{"times": 7}'),
        ("nonce", ""),
    ],
)
def test_a_value_changed_by_hand_is_named(column: str, value: str) -> None:
    event = make_events()[2]
    by_hand(f"UPDATE config_auditevent SET {column} = %s WHERE id = %s", value, event.pk)
    assert faults() == [(Kind.CHANGED, 3, event.pk)]


def test_an_actor_taken_away_by_hand_is_named() -> None:
    event = make_events()[2]
    by_hand("UPDATE config_auditevent SET actor_id = NULL WHERE id = %s", event.pk)
    assert faults() == [(Kind.CHANGED, 3, event.pk)]


def test_rows_removed_by_hand_are_named_at_the_start_within_and_at_the_end() -> None:
    events = make_events()
    for number in (1, 4, 6):
        by_hand("DELETE FROM config_auditevent WHERE id = %s", events[number - 1].pk)
    assert faults() == [(Kind.REMOVED, number, None) for number in (1, 4, 6)]


def test_a_row_inserted_by_hand_is_named_wherever_it_is_put() -> None:
    last = make_events()[-1]
    columns = "at, actor_name, action, target_kind, target_id, request_id, details"
    values = "'2026-11-05 12:00:00', 'anna', 'wave', '', '', '', '{}'"
    by_hand(f"INSERT INTO config_auditevent ({columns}) VALUES ({values})")
    by_hand(
        f"INSERT INTO config_auditevent ({columns}, number, seal, link) "
        f"SELECT {columns}, 9, %s, link FROM config_auditevent WHERE id = %s",
        f"{keys().current.name}.0",
        last.pk,
    )
    first, second = (last.pk + 1, last.pk + 2)
    assert faults() == [(Kind.INSERTED, 9, second), (Kind.INSERTED, None, first)]
    # it is not taken in with what comes next
    record("wave")
    assert {fault.id for fault in check().faults} == {first, second}


def test_a_copy_of_an_event_is_named() -> None:
    events = make_events()
    by_hand("DROP INDEX audit_seal_once")
    columns = "at, actor_id, actor_name, address, action, target_kind, target_id, request_id"
    whole = f"{columns}, details, nonce, seal"
    by_hand(
        f"INSERT INTO config_auditevent ({whole}) SELECT {whole} FROM config_auditevent "
        "WHERE id = %s",
        events[2].pk,
    )
    assert faults() == [(Kind.REPEATED, None, events[-1].pk + 1)]


def test_a_head_that_is_touched_is_found_and_nothing_covers_it_up() -> None:
    events = make_events()
    by_hand("DELETE FROM config_auditevent WHERE id = %s", events[-1].pk)
    by_hand("UPDATE config_audithead SET number = 5, link = %s", events[-2].link)
    assert faults() == [(Kind.HEAD, None, None)]
    record("wave")
    with pytest.raises(HeadError):
        extend()
    with capture_logs() as logs:
        extend_quietly()
    assert [line["event"] for line in logs] == ["audit_chain_stands"]
    found = check()
    assert [fault.kind for fault in found.faults] == [Kind.HEAD]
    assert found.waiting == 1


def test_a_head_that_is_removed_is_not_made_anew_beside_events() -> None:
    make_events()
    by_hand("DELETE FROM config_audithead")
    record("wave")
    assert faults() == [(Kind.HEAD, None, None)]
    assert not AuditHead.objects.exists()


def test_a_database_whose_tables_were_emptied_begins_anew() -> None:
    by_hand("DELETE FROM config_audithead")
    make_events(2)
    assert check().is_sound


def test_a_link_noted_elsewhere_finds_a_log_that_was_put_back() -> None:
    events = make_events()
    noted = {6: events[-1].link}
    assert check(noted).is_sound
    before = AuditHead.objects.values().get()
    make_events(2)
    later = {8: AuditHead.objects.get().link}
    by_hand("DELETE FROM config_auditevent WHERE number > 6")
    AuditHead.objects.filter(pk=HEAD).update(**before)
    assert check(noted).is_sound
    assert [(fault.kind, fault.first, fault.last) for fault in check(later).faults] == [
        (Kind.REMOVED, 7, 8)
    ]


class TestRetention:
    def old_events(self) -> None:
        make_events(4)
        old = timezone.now() - timedelta(days=500)
        AuditEvent._base_manager.update(at=old)
        chain_anew(AuditEvent, AuditHead, keys())
        make_events(3)

    def test_what_it_removes_leaves_a_log_that_can_be_verified(self) -> None:
        self.old_events()
        last = AuditEvent.objects.get(number=4)
        assert prune(timezone.now() - timedelta(days=365)) == 4
        event = AuditEvent.objects.get(action=PRUNED)
        assert event.details["through"] == 4
        assert event.details["link"] == last.link
        found = check({4: "gone", 5: AuditEvent.objects.get(number=5).link})
        assert found.is_sound
        assert found.events == 4

    def test_more_removed_by_hand_is_named(self) -> None:
        self.old_events()
        prune(timezone.now() - timedelta(days=365))
        by_hand("DELETE FROM config_auditevent WHERE number = 5")
        assert faults() == [(Kind.REMOVED, 1, None)]

    def test_all_of_it_can_be_removed_and_nothing_where_nothing_is_old(self) -> None:
        assert prune(timezone.now()) == 0
        self.old_events()
        assert prune(timezone.now() - timedelta(days=600)) == 0
        assert prune(timezone.now() + timedelta(days=1)) == 7
        assert check().is_sound
        assert check().events == 1
        assert prune(timezone.now() + timedelta(days=1)) == 1
        assert check().is_sound


def test_rows_of_an_older_version_are_named_until_they_are_accepted() -> None:
    make_events(2)
    older = AuditEvent.objects.create(at=timezone.now(), actor_name="anna", action="wave")
    assert faults() == [(Kind.INSERTED, None, older.pk)]
    assert accept(check(), "written during the upgrade") == 3
    event = AuditEvent.objects.get(action=ACCEPTED)
    assert event.details["named"] == [f"inserted None None {older.pk}"]
    assert check().is_sound
    older.refresh_from_db()
    assert older.number == 3


def test_the_migration_chains_what_there_is() -> None:
    for number in range(3):
        AuditEvent.objects.create(
            at=timezone.now(), actor_name="anna", action="wave", details={"n": number}
        )
    import_module("config.migrations.0005_chain_events").chain(apps, None)
    found = check()
    assert found.is_sound
    assert found.events == 3


def test_a_key_that_was_replaced_is_known_as_an_old_one(settings: Any) -> None:
    make_events(3)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key"
    record("wave")
    assert {kind for kind, *_ in faults()} == {Kind.UNKNOWN_KEY}
    settings.AUDIT_OLD_KEYS = (old,)
    assert check().is_sound
    assert check().events == 4


class TestTheCommand:
    def run(self, *arguments: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("verify_audit", *arguments, stdout=out)
        except SystemExit as error:
            return int(str(error.code)), out.getvalue()
        return 0, out.getvalue()

    def test_it_says_that_nothing_was_touched_and_where_the_chain_ends(self) -> None:
        link = make_events()[-1].link
        code, said = self.run("--noted", f"6:{link}")
        assert code == 0
        assert said == f"6 events, 0 waiting; nothing was touched.\nThe chain ends at 6:{link}\n"

    def test_it_names_what_was_touched(self) -> None:
        events = make_events()
        by_hand("UPDATE config_auditevent SET action = 'bow' WHERE id = %s", events[1].pk)
        by_hand("DELETE FROM config_auditevent WHERE number > 4")
        code, said = self.run()
        assert code == 1
        assert f"Event 2 (row {events[1].pk}) was changed.\n" in said
        assert "Each event from 5 to 6 was removed.\n" in said
        assert "faults: 2." in said
        code, said = self.run("--json")
        found = json.loads(said)
        assert (code, found["is_sound"], found["fault_count"]) == (1, False, 2)
        assert found["faults"][0]["id"] == events[1].pk

    def test_what_was_looked_into_is_accepted_with_a_reason(self) -> None:
        make_events()
        by_hand("DELETE FROM config_auditevent WHERE number = 2")
        code, said = self.run("--accept", "a test of mine")
        assert code == 0
        assert "Accepted as it is: 5 events are sealed anew.\n" in said
        assert self.run()[0] == 0
        assert AuditEvent.objects.get(action=ACCEPTED).details["reason"] == "a test of mine"

    def test_many_faults_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("config.chain_check.MOST_FAULTS", 2)
        make_events()
        by_hand("UPDATE config_auditevent SET action = 'bow'")
        code, said = self.run()
        assert code == 1
        assert "and 4 more\n" in said

    def test_what_was_noted_has_a_form(self) -> None:
        with pytest.raises(CommandError, match="is not NUMBER:LINK"):
            self.run("--noted", "6")


def test_each_way_of_tampering_leaves_the_service_at_work(client: Any) -> None:
    steps: list[Callable[[], None]] = [
        lambda: by_hand("DELETE FROM config_audithead"),
        lambda: by_hand("UPDATE config_auditevent SET seal = ''"),
    ]
    for step in steps:
        make_events(1) if step is steps[0] else None
        step()
        client.post("/sign-in/", {"username": "anna", "password": "wrong"})
    assert AuditEvent.objects.filter(action="sign_in_refused").count() == 2
