"""History in the admin: who may look, that nothing can be changed, and that lists stay cheap."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER
from tests.factories import make_job, make_user
from tests.trimming.admin_pages import address, client_of, staff
from tests.trimming.results import finish, reread
from trimming import jobs
from trimming.models import Capture, Download, TrimJob
from trimming.profiles import add_version, mirror_built_in_profiles

pytestmark = pytest.mark.django_db

HISTORY = ("capture", "trimjob", "trimrun", "download")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def history() -> dict[str, Any]:
    """Make one row of each model and return them."""
    run = finish(make_job(make_user()))
    taken = Download.objects.create(run=run, user=run.job.requested_by, at=timezone.now())
    return {"capture": run.job.capture, "trimjob": run.job, "trimrun": run, "download": taken}


@pytest.mark.parametrize("model", HISTORY)
def test_history_can_be_read_but_not_changed(model: str) -> None:
    row = history()[model]
    client = client_of(staff())
    assert client.get(address(model)).status_code == 200
    change = address(model, "change", row.pk)
    assert client.get(change).status_code == 200
    assert client.post(change, {"name": "x"}).status_code == 403
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", HISTORY)
def test_those_who_are_not_staff_are_kept_out(model: str) -> None:
    response = client_of(make_user(ADMINISTRATOR)).get(address(model))
    assert response.status_code == 302


def test_an_index_lists_no_model_of_the_live_feed() -> None:
    page = client_of(staff()).get(reverse("admin:index")).content.decode()
    assert "Captures" in page
    assert "Live update" not in page


@pytest.mark.parametrize("model", [*HISTORY, "profile"])
def test_lists_take_the_same_number_of_queries_for_any_number_of_rows(model: str) -> None:
    client = client_of(staff())
    counts = []
    for _ in range(2):
        history()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address(model)).status_code == 200
        counts.append(len(queries))
        for number in range(4):
            history()
            add_version(f"own-{number}", {}, created_by_id=make_user().pk)
    assert counts[0] == counts[1]


def test_lists_can_be_searched_by_name_and_id() -> None:
    job = make_job(make_user(), name="needle.pcap")
    make_job(make_user(), name="hay.pcap")
    client = client_of(staff())
    for model in ("capture", "trimjob"):
        for query in ("needle", str(job.capture_id)):
            page = client.get(address(model), {"q": query}).content.decode()
            assert "needle.pcap" in page
            assert "hay.pcap" not in page


def test_capture_job_and_run_lead_to_each_other() -> None:
    rows = history()
    client = client_of(staff())
    capture, job, run = rows["capture"], rows["trimjob"], rows["trimrun"]
    pages = {m: client.get(address(m, "change", rows[m].pk)).content.decode() for m in HISTORY}
    assert address("trimjob", "change", job.pk) in pages["capture"]
    assert capture.get_absolute_url() in pages["capture"]
    assert address("capture", "change", capture.pk) in pages["trimjob"]
    assert address("trimjob", "change", job.pk) in pages["trimrun"]
    assert address("trimrun", "change", run.pk) in pages["download"]
    runs = re.search(r'href="([^"]*trimrun/\?[^"]*)"', pages["trimjob"])
    assert runs is not None
    listed = client.get(address("trimrun"), {"job__id__exact": str(job.pk)})
    assert f"{str(job.pk)[:8]}/1" in listed.content.decode()


def test_a_report_is_shown_and_names_are_only_text() -> None:
    job = make_job(make_user(), name='<img src=x onerror="alert(1)">.pcap')
    run = finish(job)
    client = client_of(staff())
    page = client.get(address("trimrun", "change", run.pk)).content.decode()
    assert "&quot;peak_rss_bytes&quot;: 98000000" in page
    for model, row in (("capture", job.capture), ("trimjob", job), ("trimrun", run)):
        for url in (address(model), address(model, "change", row.pk)):
            assert "<img" not in client.get(url).content.decode()


def test_a_run_without_a_report_says_so() -> None:
    run = finish(make_job(make_user()), None)
    page = client_of(staff()).get(address("trimrun", "change", run.pk)).content.decode()
    assert "none" in page


def test_a_deleted_capture_is_still_history() -> None:
    job = make_job(make_user())
    Capture.objects.filter(pk=job.capture_id).update(
        deleted_at=timezone.now(), current_job=None, original=""
    )
    client = client_of(staff())
    assert "deleted" in client.get(address("capture")).content.decode()
    page = client.get(address("capture", "change", job.capture_id)).content.decode()
    assert job.capture.get_absolute_url() not in page


def act(user: User, action: str, *chosen: TrimJob) -> str:
    data = {"action": action, "_selected_action": [str(job.pk) for job in chosen]}
    return client_of(user).post(address("trimjob"), data, follow=True).content.decode()


def test_selected_jobs_are_cancelled_and_noted() -> None:
    user, job = staff(), make_job(make_user())
    ended = finish(make_job(make_user())).job
    page = act(user, "cancel_jobs", job, ended)
    assert "1 job is cancelled." in page
    assert "1 job was left as it is" in page
    job.refresh_from_db()
    assert job.state == "cancelled"
    event = AuditEvent.objects.get(action="cancel")
    assert (event.actor, event.target_id) == (user, str(job.capture_id))


def test_selected_jobs_are_retried_and_noted() -> None:
    user, job, gone = staff(), make_job(make_user()), make_job(make_user())
    for each in (job, gone):
        jobs.cancel(each.pk)
    Capture.objects.filter(pk=gone.capture_id).update(deleted_at=timezone.now())
    page = act(user, "retry_jobs", job, gone)
    assert "1 job was made anew." in page
    assert "1 job was left as it is" in page
    again = reread(job.capture).current_job
    assert again is not None
    assert (again.state, again.requested_by_id) == ("waiting", user.pk)
    assert AuditEvent.objects.filter(action="retry").count() == 1


@pytest.mark.parametrize("action", ["cancel_jobs", "retry_jobs"])
def test_actions_need_the_permissions_that_the_page_asks_for(action: str) -> None:
    job = make_job(make_user())
    if action == "retry_jobs":
        jobs.cancel(job.pk)
    act(staff(APPROVER), action, job)
    assert TrimJob.objects.count() == 1
    assert not AuditEvent.objects.filter(action__in=["cancel", "retry"]).exists()
