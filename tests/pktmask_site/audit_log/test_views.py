"""The page Audit log: who may look, what is found, and what an export holds."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from config.audit import record
from config.chain import extend, keys
from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from pktmask_site.audit_log.exports import CSV_COLUMNS
from pktmask_site.recovery import running
from pktmask_site.recovery.models import UpkeepRun
from tests.factories import make_capture, make_user

pytestmark = pytest.mark.django_db
MOST_QUERIES = 16


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_user(ADMINISTRATOR))
    return client


@async_to_sync
async def read(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def exported(client: Client, form: str, query: str = "") -> str:
    answer = client.get(f"/audit/export.{form}{query}")
    assert answer.status_code == 200
    data = read(answer)
    assert int(answer["Content-Length"]) == len(data)
    return data.decode()


def lines(client: Client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(exported(client, "csv", query))))


@pytest.mark.parametrize(
    ("role", "status"),
    [("", 302), (VIEWER, 403), (OPERATOR, 403), (APPROVER, 403), (ADMINISTRATOR, 200)],
)
def test_only_administrators_look_and_export(role: str, status: int) -> None:
    client = Client()
    if role:
        client.force_login(make_user(role))
    for address in ("/audit/", "/audit/export.csv", "/audit/export.json"):
        answer = client.get(address)
        assert answer.status_code == status
        if answer.streaming:
            read(answer)
    assert client.post("/audit/").status_code in (302, 405)
    assert AuditEvent.objects.filter(action="audit_exported").exists() == (status == 200)


def test_the_page_shows_events_and_takes_few_queries(
    admin: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        record("wave", target=make_user())
    extend()
    with django_assert_max_num_queries(MOST_QUERIES):
        text = admin.get("/audit/").content.decode()
    assert '<td role="cell" class="state">system</td>' in text
    assert "It was not verified yet." in text
    assert "page=2" in text
    assert "auth.user" in admin.get("/audit/?page=2").content.decode()


def test_it_says_what_the_newest_verification_found(admin: Client) -> None:
    admin.post("/maintenance/run/audit_log/")
    assert "It is being verified" in admin.get("/audit/").content.decode()
    running.run_asked()
    text = admin.get("/audit/").content.decode()
    assert "Nobody touched any of" in text
    AuditEvent._base_manager.filter(number=1).update(action="bow")
    admin.post("/maintenance/run/audit_log/")
    running.run_asked()
    assert "<li>Event 1 (row " in admin.get("/audit/").content.decode()
    assert UpkeepRun.objects.count() == 2


class TestTheFilter:
    @pytest.fixture(autouse=True)
    def _events(self) -> None:
        user = make_user()
        user.username = "anna"
        user.save()
        capture = make_capture(user)
        for day, action in ((1, "wave"), (2, "come_in"), (3, "bow")):
            AuditEvent.objects.create(
                at=datetime(2026, 11, day, 23, 59, tzinfo=UTC),
                actor_name="anna" if day < 3 else "bert",
                address="2001:db8::7" if day == 1 else None,
                action=action,
                target_kind="trimming.capture" if day == 2 else "",
                target_id=str(capture.pk) if day == 2 else "",
            )

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("who=ANN", ["wave", "come_in"]),
            ("who=2001:DB8:0::7", ["wave"]),
            ("what=come+in", ["come_in"]),
            ("target=capture", ["come_in"]),
            ("until=2026-11-01", ["wave"]),
            ("since=2026-11-02&until=2026-11-03", ["come_in", "bow"]),
            ("since=2026-11-03&until=2026-11-03", ["bow"]),
            ("who=anna&what=wave", ["wave"]),
            ("who=%27+OR+1%3D1", []),
        ],
    )
    def test_it_finds(self, admin: Client, query: str, found: list[str]) -> None:
        assert [line["action"] for line in lines(admin, f"?{query}")] == found
        text = admin.get(f"/audit/?{query}").content.decode()
        assert all(f">{action}</a>" in text for action in found)
        assert ("No event is like that" in text) == (not found)

    def test_by_kind_and_id_together(self, admin: Client) -> None:
        key = AuditEvent.objects.exclude(target_kind="").get().target_id
        assert len(lines(admin, f"?target=capture+{key}")) == 1
        assert not lines(admin, f"?target=job+{key}")

    def test_what_is_not_understood_is_said_and_left_out(self, admin: Client) -> None:
        text = admin.get("/audit/?since=tomorrow&what=wave").content.decode()
        assert "A day is written as" in text
        assert ">wave</a>" in text
        assert ">bow</a>" not in text
        assert "page of nothing" not in admin.get("/audit/?page=nothing").content.decode()


def test_no_text_in_a_csv_is_taken_for_a_formula(admin: Client) -> None:
    for start in ("=", "+", "-", "@", "\t", "\r", " ="):
        record("wave", text=start, target_name=f"{start}x")
        AuditEvent.objects.create(
            at=datetime.now(UTC), actor_name=f"{start}cmd|' /C calc'!A0", action=f"{start}1+1"
        )
    found = lines(admin)
    assert found[0].keys() == dict.fromkeys(CSV_COLUMNS).keys()
    for line in found:
        for name in ("actor_name", "action", "details", "target_id"):
            assert not line[name].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_json_holds_all_that_is_needed_to_verify_it(admin: Client) -> None:
    extend()
    record("wave", name='"</script>\n')
    extend()
    found = json.loads(exported(admin, "json"))
    before = ""
    for event in found:
        event["at"] = datetime.fromisoformat(event["at"])
        assert keys().is_sealed(event)
        assert keys().is_linked(before, event)
        before = event["link"]
    assert found[-1]["details"] == {"name": '"</script>\n'}
    assert json.loads(exported(admin, "json", "?what=nothing")) == []


def test_an_export_is_an_event_with_what_was_asked_for(admin: Client) -> None:
    exported(admin, "csv", "?what=wave&since=2026-11-01")
    event = AuditEvent.objects.get(action="audit_exported")
    assert event.details == {
        "form": "csv",
        "filter": {"what": "wave", "since": "2026-11-01"},
        "events": 0,
    }


def test_there_is_no_other_form(admin: Client) -> None:
    assert admin.get("/audit/export.xlsx").status_code == 404


def test_a_name_is_shown_as_text(admin: Client) -> None:
    AuditEvent.objects.create(
        at=datetime.now(UTC), actor_name="<script>alert(1)</script>", action="<b>"
    )
    text = admin.get("/audit/?who=%3Cscript%3E").content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
