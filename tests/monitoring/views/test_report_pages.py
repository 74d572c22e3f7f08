"""Pages of reports: who may what, what is shown to whom, downloads, making and mailing."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.current import forget
from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from monitoring.reports import documents, urls
from monitoring.reports.choices import MailState, ReportKind
from monitoring.reports.making import make_now
from monitoring.reports.models import Report
from monitoring.reports.shown import parts_for
from tests.factories import make_user
from tests.monitoring.reports.month import make_checks, make_measures, make_work
from trimming.models import Capture

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def client_of(role: str = OPERATOR) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def shown(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    assert response.status_code == 200
    text = re.sub(
        r"<(script|svg|style)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S
    )
    return " ".join(html.unescape(text).split())


def seen(report: Report) -> list[Any]:
    """Return the parts that an operator may see."""
    return list(parts_for(report, make_user(OPERATOR)))


@pytest.fixture
def report() -> Report:
    """A report of this day so far."""
    now = timezone.now()
    begin = now.replace(hour=0, minute=0, second=0, microsecond=0)
    make_measures(begin, now)
    make_work(begin, now + HOUR, 60)
    make_checks(begin, now, timedelta(minutes=10), begin)
    # late in the evening an hour more would be of another day
    until = min(now + HOUR, begin + timedelta(hours=23, minutes=59))
    return make_now(ReportKind.DAY, until, "operator-2")


def test_an_empty_list_says_what_comes(client: Client) -> None:
    text = shown(client_of().get("/reports/"))
    assert "No report yet" in text
    assert "Made by the clock (daily, weekly, monthly), at 06:05 of the day after, UTC." in text


def test_a_report_is_listed_and_shown_with_all_its_parts(report: Report) -> None:
    client = client_of()
    listed = client.get("/reports/")
    assert f'href="/reports/{report.pk}/"' in listed.content.decode()
    assert "Not finished" in shown(listed)
    assert "Not finished" not in shown(client.get("/reports/?kind=week"))
    text = shown(client.get(f"/reports/{report.pk}/"))
    for part in seen(report):
        assert part["title"] in text
        assert part["said"] in text
    assert "by operator-2" in text


def test_scripts_are_files_and_only_the_chart_library_may_write_styles(report: Report) -> None:
    answer = client_of().get(f"/reports/{report.pk}/")
    text = answer.content.decode()
    assert "script-src 'self';" in f"{answer['Content-Security-Policy']};"
    for attributes in re.findall(r"<script\b([^>]*)>", text):
        assert "src=" in attributes or 'type="application/json"' in attributes
    assert "<style" not in text
    assert not re.search(r'\sstyle="', text)
    assert not re.search(r'\sid="([^"]+)"(?=.*\sid="\1")', text, re.S)


@pytest.mark.usefixtures("drawn_quickly")
def test_a_capture_has_its_name_for_who_may_see_it_and_for_nobody_else(report: Report) -> None:
    owner = Capture.objects.all()[0].owner
    mine, other = Client(), client_of()
    mine.force_login(owner)
    address = f"/reports/{report.pk}/"
    assert "edge-fra" in shown(mine.get(address))
    assert "edge-fra" not in shown(other.get(address))
    for ending in ("html/", "json/"):
        assert "edge-fra" not in mine.get(address + ending).content.decode()


@pytest.mark.usefixtures("drawn_quickly")
def test_who_may_not_see_rollouts_sees_no_part_about_them(report: Report) -> None:
    user = User.objects.create_user("somebody")
    user.user_permissions.add(Permission.objects.get(codename="view_report"))
    client = Client()
    client.force_login(user)
    address = f"/reports/{report.pk}/"
    assert "Rollback drills" not in shown(client.get(address))
    kept = {part["name"] for part in client.get(f"{address}json/").json()["parts"]}
    assert kept == {"traffic", "arms", "health", "capacity", "captures"}
    assert "Rollback drills" not in client.get(f"{address}html/").content.decode()


def test_the_file_needs_nothing_else_and_runs_nothing(report: Report) -> None:
    answer = client_of().get(f"/reports/{report.pk}/html/")
    assert answer["Content-Disposition"].endswith('-unfinished.html"')
    text = answer.content.decode()
    assert not re.search(r"<script|<link|src=\"(?!data:)|href=|url\(", text)
    assert text.count('src="data:image/png;base64,') == 3
    for part in seen(report):
        assert part["said"] in html.unescape(text)


def test_the_json_is_all_that_may_be_seen(report: Report) -> None:
    answer = client_of().get(f"/reports/{report.pk}/json/")
    found = json.loads(answer.content)
    assert found["parts"] == seen(report)
    assert (found["kind"], found["is_whole"], found["zone"]) == ("day", False, "UTC")


def test_a_report_of_another_version_is_kept_and_downloadable_and_not_shown(
    report: Report,
) -> None:
    Report.objects.update(version=99, data=[{"what": "of another form"}])
    client = client_of()
    assert "This report cannot be shown" in shown(client.get(f"/reports/{report.pk}/"))
    assert client.get(f"/reports/{report.pk}/html/").status_code == 400


def test_make_now_makes_one_shows_it_and_is_in_the_audit_log() -> None:
    client = client_of()
    answer = client.post("/reports/make/", {"kind": "week"}, follow=True)
    text = shown(answer)
    assert "Not finished: from" in text
    report = Report.objects.get()
    assert (report.kind, report.is_whole) == ("week", False)
    assert AuditEvent.objects.get(action="make_report").target_id == str(report.pk)


def test_make_now_refuses_what_is_no_kind() -> None:
    answer = client_of().post("/reports/make/", {"kind": "year"}, follow=True)
    assert "nothing was made" in shown(answer)
    assert Report.objects.count() == 0


def test_a_report_is_mailed_on_demand_where_somebody_is_set_to_get_it(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of()
    address = f"/reports/{report.pk}/mail/"
    assert "set reports.receivers" in shown(client.post(address, follow=True))
    monkeypatch.setenv("PKTMASK_REPORTS__RECEIVERS", "one@example.org")
    forget()
    assert "within ten minutes" in shown(client.post(address, follow=True))
    assert "waits to be mailed already" in shown(client.post(address, follow=True))
    report.refresh_from_db()
    assert report.mail_state == MailState.WAITING


@pytest.fixture
def drawn_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures be quick where nobody looks at them."""
    monkeypatch.setattr(documents, "png", lambda *_: b"a picture")


LOOK = (302, 200, 200, 200, 200)
ACT = (302, 403, 302, 302, 302)


# name of the page, what it is asked by, and for: nobody, viewer, operator, approver, administrator
TABLE = (
    ("list", "get", LOOK),
    ("report", "get", LOOK),
    ("html", "get", LOOK),
    ("json", "get", LOOK),
    ("make", "post", ACT),
    ("mail", "post", ACT),
)


@pytest.mark.usefixtures("drawn_quickly")
@pytest.mark.parametrize(("name", "method", "wanted"), TABLE)
def test_each_role_is_answered_as_the_table_says(
    report: Report, name: str, method: str, wanted: tuple[int, ...]
) -> None:
    address = reverse(f"reports:{name}", args=[] if name in ("list", "make") else [report.pk])
    people = ("", VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)
    for role, status in zip(people, wanted, strict=True):
        client = client_of(role) if role else Client()
        before = Report.objects.values().get()
        answer = getattr(client, method)(address, {"kind": "day"})
        assert answer.status_code == status, role
        if not role:
            assert answer["Location"].startswith("/sign-in/")
        if not role or status == 403:
            assert Report.objects.values().get() == before


def test_each_page_is_in_the_table() -> None:
    assert {name for name, _method, _wanted in TABLE} == {each.name for each in urls.urlpatterns}


def test_nobody_else_may_look(report: Report) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody"))
    assert client.get("/reports/").status_code == 403
    assert client.get(f"/reports/{report.pk}/").status_code == 403


def test_a_report_that_is_not_there_is_not_found() -> None:
    assert client_of().get("/reports/999/").status_code == 404


def test_the_list_is_given_as_a_file(report: Report) -> None:
    client = client_of(VIEWER)
    head, line = csv.reader(io.StringIO(client.get("/reports/?format=csv").content.decode()))
    told = dict(zip(head, line, strict=True))
    assert (told["kind"], told["state"], told["made_by"]) == ("day", "unfinished", "operator-2")
    assert len(client.get("/reports/?kind=week&format=csv").content.splitlines()) == 1
