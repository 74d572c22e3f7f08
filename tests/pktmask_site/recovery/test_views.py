"""The page Maintenance: administrators only, and what it shows and does."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from pktmask_site.recovery import running, scheduled
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.upkeep import tasks
from tests.factories import make_user
from tests.pktmask_site.recovery.conftest import NOW, back_up

pytestmark = pytest.mark.django_db


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


# page or action, and for: nobody, viewer, operator, approver, administrator
@pytest.mark.parametrize(
    ("role", "status"),
    [("", 302), (VIEWER, 403), (OPERATOR, 403), (APPROVER, 403), (ADMINISTRATOR, 200)],
)
def test_only_administrators_look_and_run(role: str, status: int) -> None:
    client = client_of(role) if role else Client()
    assert client.get("/maintenance/").status_code == status
    answer = client.post("/maintenance/run/sessions/")
    assert answer.status_code == (302 if status == 200 else status)
    assert UpkeepRun.objects.exists() == (status == 200)


def test_every_task_is_on_the_page_with_its_buttons() -> None:
    text = client_of(ADMINISTRATOR).get("/maintenance/").content.decode()
    for task in tasks.all():
        assert str(task.title) in text
        assert f"/maintenance/run/{task.name}/" in text
    assert "No backup yet" in text
    assert "Nothing ran yet" in text
    assert "due now" in text


def test_a_run_that_was_asked_for_is_shown_and_renews_the_page() -> None:
    client = client_of(ADMINISTRATOR)
    answer = client.post("/maintenance/run/sessions/", {"dry": "1"}, follow=True)
    text = answer.content.decode()
    assert "a dry run was asked for" in text
    assert 'data-renew="1"' in text
    running.run_asked()
    text = client.get("/maintenance/").content.decode()
    assert 'data-renew="0"' in text
    assert "Sessions that would be removed: 0." in text


def test_a_backup_is_shown_with_its_drill() -> None:
    name = f"{NOW:{scheduled.NAME}}"
    back_up(scheduled.backup_folder() / name)
    text = client_of(ADMINISTRATOR).get("/maintenance/").content.decode()
    assert name in text
    assert "not restored yet" in text
    UpkeepRun.objects.create(
        task="restore_drill",
        state=UpkeepState.DONE,
        asked_at=timezone.now(),
        ended_at=timezone.now(),
        sentence="It was restored.",
        details={"backup": name},
    )
    assert "not restored yet" not in client_of(ADMINISTRATOR).get("/maintenance/").content.decode()


def test_a_task_that_there_is_not_is_not_found() -> None:
    assert client_of(ADMINISTRATOR).post("/maintenance/run/nothing/").status_code == 404
