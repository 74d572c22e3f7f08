"""The list of versions, one version, and restoring it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from config.choices import VersionKind
from config.layers import Given
from config.models import AuditEvent, ConfigVersion
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from config.versions import effective, newest_version, publish, restore
from config.views.versions import PAGE_SIZE
from tests.config.views.test_page import words
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = reverse("config:versions")
# session, user, their permissions (own and by group), the versions with their number, three for
# the strip, one for the rollout, one for the role
LIST_QUERIES = 13


@pytest.fixture
def administrator() -> User:
    return make_user(ADMINISTRATOR)


@pytest.fixture
def client(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


def published(*days: object, reason: str = "other") -> None:
    """Publish a version for each value."""
    for value in days:
        layer = {"trimming": {"keep_originals_days": Given(value, "the test")}}
        publish(newest_version(), kind=VersionKind.CONSOLE, reason=reason, console=layer)


def address(number: int, name: str = "version") -> str:
    return reverse(f"config:{name}", args=[number])


def ask(client: Client, number: int, base: object, reason: str = "because") -> Any:
    return client.post(address(number, "restore"), {"base": str(base), "reason": reason})


def state() -> tuple[int, int, object]:
    audited = AuditEvent.objects.filter(action="configuration_changed").count()
    days = effective(newest_version()).value("trimming", "keep_originals_days")
    return ConfigVersion.objects.count(), audited, days


class TestList:
    def test_without_a_version_it_says_what_is_in_force(self, client: Client) -> None:
        assert "Defaults and the environment are in force" in words(client.get(LIST))

    def test_each_version_says_who_why_and_how_much(
        self, client: Client, administrator: User
    ) -> None:
        published(3)
        layer = {"trimming": {"max_attempts": Given(4, "the test")}}
        publish(
            newest_version(),
            kind=VersionKind.CONSOLE,
            reason="<b>busy</b>",
            console=layer,
            actor=administrator,
        )
        text = words(client.get(LIST))
        assert "Version 2 in force" in text
        assert f"{administrator.username} changed in the console <b>busy</b> 2" in text
        assert "system changed in the console other 1" in text

    def test_the_list_comes_in_pages_and_a_page_that_is_not_there_is_the_nearest(
        self, client: Client
    ) -> None:
        published(*range(1, PAGE_SIZE + 2))
        first, second = client.get(LIST), client.get(LIST, {"page": "2"})
        assert first.content.decode().count("<tr") == PAGE_SIZE + 1
        assert second.content.decode().count("<tr") == 2
        assert "of 51" in words(second)
        assert words(client.get(LIST, {"page": "9"})) == words(second)
        for page in ("x", "0.5", "9" * 5000):
            assert words(client.get(LIST, {"page": page})) == words(first)

    def test_the_list_takes_the_same_queries_for_any_number_of_rows(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for days in (range(1, 2), range(2, 30)):
            published(*days)
            with django_assert_num_queries(LIST_QUERIES):
                client.get(LIST)


class TestVersion:
    def test_it_shows_what_it_changed_and_what_restoring_it_would(self, client: Client) -> None:
        published(3, 4, 5)
        text = words(client.get(address(2)))
        assert "trimming.keep_originals_days 3 4" in text
        assert "Against version 3" in text
        assert "trimming.keep_originals_days 5 4 console" in text
        assert "Restore version 2?" in text

    def test_the_one_in_force_and_one_with_the_same_values_cannot_be_restored(
        self, client: Client
    ) -> None:
        published(3, 4, 3)
        for number in (1, 3):
            page = client.get(address(number)).content.decode()
            assert '<dialog id="restore"' not in page
        assert "Nothing differs" in words(client.get(address(1)))

    @pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER])
    def test_who_may_only_look_is_not_offered_to_restore(self, role: str) -> None:
        published(3, 4)
        client = Client()
        client.force_login(make_user(role))
        page = client.get(address(1)).content.decode()
        assert "keep_originals_days" in page
        assert '<dialog id="restore"' not in page

    @pytest.mark.parametrize("number", [0, 7, 10**30])
    def test_a_number_without_a_version_is_not_found(self, client: Client, number: int) -> None:
        published(3)
        assert client.get(address(number)).status_code == 404
        assert ask(client, number, 1).status_code == 404

    def test_one_that_does_not_fit_any_more_says_why(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        layer = {"trimming": {"lease_seconds": Given(10, "the test")}}
        publish(None, kind=VersionKind.CONSOLE, reason="other", console=layer)
        published(4)
        monkeypatch.setenv("PKTMASK_TRIMMING__BEAT_SECONDS", "20")
        text = words(client.get(address(1)))
        assert "It cannot be restored as it is" in text
        assert "trimming.beat_seconds is 20" in text
        before = state()
        response = ask(client, 1, 2)
        assert (response.status_code, state()) == (409, before)

    def test_nothing_is_inline_and_names_stay_text(self, client: Client) -> None:
        published(3, 4, reason="<script>alert(1)</script>")
        for response in (client.get(LIST), client.get(address(1)), ask(client, 1, 2, "")):
            page = response.content.decode()
            assert not re.search(r"<script(?![^>]*\ssrc=)", page)
            assert " style=" not in page


class TestRestore:
    def test_an_earlier_version_is_in_force_again_as_a_new_one(
        self, client: Client, administrator: User
    ) -> None:
        published(3, 4)
        response = ask(client, 1, 2)
        assert response.headers["Location"] == reverse("config:configuration")
        newest = newest_version()
        assert newest is not None
        assert (newest.number, newest.kind, newest.reason) == (3, VersionKind.RESTORE, "because")
        assert newest.author == administrator
        assert state()[2] == 3
        assert "Version 3 applies: version 1 was restored." in words(
            client.get(response.headers["Location"])
        )

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_a_reason_is_needed_and_bounded(self, client: Client, reason: str) -> None:
        published(3, 4)
        before = state()
        response = ask(client, 1, 2, reason)
        assert (response.status_code, state()) == (200, before)
        assert "Nothing was restored." in words(response)
        assert reason.strip() in response.content.decode()

    @pytest.mark.parametrize("base", [1, 9, "", "x", "9" * 5000])
    def test_nothing_is_restored_over_what_others_did_meanwhile(
        self, client: Client, base: object
    ) -> None:
        published(3, 4)
        before = state()
        response = ask(client, 1, base)
        assert (response.status_code, state()) == (409, before)
        text = words(response)
        assert "Version 2 was made meanwhile" in text or "does not belong to any version" in text
        assert ">because</textarea>" in response.content.decode()
        assert 'name="base" value="2"' in response.content.decode()

    def test_two_who_act_at_the_same_moment_do_not_overwrite_each_other(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def faster(*args: Any, **kwargs: Any) -> ConfigVersion:
            monkeypatch.undo()
            published(5)
            return restore(*args, **kwargs)

        published(3, 4)
        monkeypatch.setattr("config.views.versions.restore", faster)
        response = ask(client, 1, 2)
        assert response.status_code == 409
        assert "Version 3 was made meanwhile" in words(response)
        assert state()[2] == 5

    def test_what_is_in_force_is_not_restored(self, client: Client) -> None:
        published(3, 4, 3)
        before = state()
        for number in (1, 3):
            response = ask(client, number, 3)
            assert (response.status_code, state()) == (409, before)
            assert "Nothing was restored" in words(response)

    @pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER])
    def test_only_administrators_restore(self, role: str) -> None:
        published(3, 4)
        before = state()
        client = Client()
        client.force_login(make_user(role))
        assert (ask(client, 1, 2).status_code, state()) == (403, before)

    def test_only_post_with_a_token_and_a_login_restores(
        self, client: Client, administrator: User
    ) -> None:
        published(3, 4)
        before = state()
        assert client.get(address(1, "restore")).status_code == 405
        assert ask(Client(), 1, 2).status_code == 302
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(administrator)
        assert ask(strict, 1, 2).status_code == 403
        assert state() == before


def test_versions_are_found_by_setting_person_and_reason(client: Client) -> None:
    published(3, reason="the disk is small")
    published(4, reason="calm again")
    for wanted, count in (("disk is", 1), ("keep_originals", 2), ("nobody", 0), ("", 2)):
        page = client.get(LIST, {"q": wanted}).context["page"]
        assert page.paginator.count == count, wanted
    assert "No version is like that" in client.get(LIST, {"q": "nobody"}).content.decode()


def test_versions_are_given_as_a_table_of_what_they_changed(client: Client) -> None:
    published(3, reason="=the disk is small")
    version = newest_version()
    assert version is not None
    answer = client.get(LIST, {"format": "csv", "q": "disk"})
    head, line = csv.reader(io.StringIO(answer.content.decode()))
    assert head[-3:] == ["setting", "before", "after"]
    assert line[0] == str(version.number)
    assert line[4:] == ["'=the disk is small", "trimming.keep_originals_days", "7", "3"]


def test_a_version_that_changed_nothing_has_a_row_all_the_same(client: Client) -> None:
    publish(newest_version(), kind=VersionKind.CONSOLE, reason="nothing")
    _head, line = csv.reader(io.StringIO(client.get(LIST, {"format": "csv"}).content.decode()))
    assert line[4:] == ["nothing", "", "", ""]
