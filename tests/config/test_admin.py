"""The audit log, people and what watches, in the admin."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.audit import record
from config.choices import VersionKind
from config.layers import Given
from config.models import AuditEvent, ConfigVersion
from config.versions import publish

pytestmark = pytest.mark.django_db

LISTS = (
    "config_auditevent",
    "config_configversion",
    "auth_user",
    "auth_group",
)


@pytest.fixture
def root() -> Client:
    """The client of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_the_audit_log_is_read_and_never_changed(root: Client) -> None:
    event = record("delete", details_of="<b>x</b>")
    change = reverse("admin:config_auditevent_change", args=[event.pk])
    page = root.get(change).content.decode()
    assert "details_of" in page
    assert "<b>x</b>" not in page
    assert root.post(change, {"action": "other"}).status_code == 403
    assert root.get(reverse("admin:config_auditevent_add")).status_code == 403
    gone = reverse("admin:config_auditevent_delete", args=[event.pk])
    assert root.post(gone, {"post": "yes"}).status_code == 403
    assert AuditEvent.objects.get(pk=event.pk).action == "delete"


def test_versions_of_the_configuration_are_read_and_never_changed(root: Client) -> None:
    layer = {"trimming": {"max_attempts": Given(4, "<b>here</b>")}}
    publish(None, kind=VersionKind.CONSOLE, reason="busy", console=layer)
    change = reverse("admin:config_configversion_change", args=[1])
    page = root.get(change).content.decode()
    assert "max_attempts" in page
    assert "<b>here</b>" not in page
    assert root.post(change, {"reason": "other"}).status_code == 403
    assert root.get(reverse("admin:config_configversion_add")).status_code == 403
    gone = reverse("admin:config_configversion_delete", args=[1])
    assert root.post(gone, {"post": "yes"}).status_code == 403
    assert ConfigVersion.objects.get().reason == "busy"


def test_no_list_offers_to_delete_history(root: Client) -> None:
    record("delete")
    page = root.get(reverse("admin:config_auditevent_changelist")).content.decode()
    assert "delete_selected" not in page


def test_the_audit_log_is_found_by_its_target(root: Client) -> None:
    user = User.objects.create_user("target")
    record("cancel", target=user)
    record("retry")
    url = reverse("admin:config_auditevent_changelist")
    assert root.get(url, {"q": str(user.pk)}).context["cl"].result_count == 1


def test_the_audit_log_takes_the_same_queries_for_any_number_of_rows(root: Client) -> None:
    url = reverse("admin:config_auditevent_changelist")
    counts = []
    for _ in range(2):
        record("cancel")
        with CaptureQueriesContext(connection) as queries:
            root.get(url)
        counts.append(len(queries))
        for _ in range(9):
            record("cancel")
    assert counts[0] == counts[1]


@pytest.mark.parametrize("name", LISTS)
def test_every_list_opens_without_anything_inline(root: Client, name: str) -> None:
    record("cancel")
    response = root.get(reverse(f"admin:{name}_changelist"))
    page = response.content.decode()
    assert response.status_code == 200
    assert not re.search(r"<script(?![^>]*\ssrc=)", page)
    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r"<[^>]+\son\w+=", page)
    assert "css/admin.css" in page


def test_people_are_listed_with_their_roles_and_edited_with_boxes(root: Client) -> None:
    user = User.objects.create_user("someone")
    user.groups.add(Group.objects.get(name="operator"))
    assert "operator" in root.get(reverse("admin:auth_user_changelist")).content.decode()
    change = reverse("admin:auth_user_change", args=[user.pk])
    page = root.get(change).content.decode()
    assert 'type="checkbox" name="groups"' in page
    viewer = Group.objects.get(name="viewer")
    data = {"username": "someone", "is_active": "on", "groups": [viewer.pk]}
    assert root.post(change, data).status_code == 302
    assert [group.name for group in user.groups.all()] == ["viewer"]
    group = reverse("admin:auth_group_change", args=[viewer.pk])
    assert 'type="checkbox" name="permissions"' in root.get(group).content.decode()


def test_roles_keep_their_name_and_cannot_be_deleted(root: Client) -> None:
    role, own = Group.objects.get(name="viewer"), Group.objects.create(name="ours")
    for group, status in ((role, 403), (own, 302)):
        change = reverse("admin:auth_group_change", args=[group.pk])
        assert root.post(change, {"name": "renamed"}).status_code == 302
        gone = reverse("admin:auth_group_delete", args=[group.pk])
        assert root.post(gone, {"post": "yes"}).status_code == status
    assert Group.objects.filter(name="viewer").exists()
    assert not Group.objects.filter(pk=own.pk).exists()


def test_every_page_says_where_it_is(root: Client) -> None:
    own = Group.objects.create(name="ours")
    for page in ("history", "delete", "change"):
        text = root.get(reverse(f"admin:auth_group_{page}", args=[own.pk])).content.decode()
        crumbs = text[text.index('class="crumbs"') : text.index("</nav>", text.index("crumbs"))]
        assert reverse("admin:auth_group_changelist") in crumbs
        assert 'class="breadcrumbs"' not in text


@pytest.mark.parametrize(
    ("codename", "shown"),
    [("view_capture", "可以查看"), ("abort_rollout", "可以中止迁移"), ("add_group", "可以添加组")],
)
def test_permissions_are_named_in_the_language_of_the_reader(
    root: Client, codename: str, shown: str
) -> None:
    permission = Permission.objects.get(codename=codename)
    root.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    page = root.get(reverse("admin:auth_group_add")).content.decode()
    assert shown in page
    assert permission.name not in page
