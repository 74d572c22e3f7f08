"""The pages of offline tests: who sees them, what they show, and that names stay text."""

from __future__ import annotations

import html
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from config.roles import APPROVER, OPERATOR, ROLES, VIEWER
from tests.factories import make_user
from tests.trimming.ab_test.rows import AT, comparison, result, row
from tests.trimming.admin_pages import address, client_of, staff
from trimming.models import OfflineTest
from trimming.views.offline_tests import MAX_LINES, PAGE_SIZE

pytestmark = pytest.mark.django_db
LIST = reverse("offline_tests:list")
HOSTILE = '"><img src=x onerror=alert(1)>'
# session, user, their permissions (own and by group), the count, the page, three for the
# strip, one for the rollout, one for the role
LIST_QUERIES = 12
LEAKING = row(2, outcome="mismatched", compared=comparison(leaked=7), reason="7 bytes leaked")


def text(response: HttpResponseBase) -> str:
    assert isinstance(response, HttpResponse)
    assert response.status_code == 200
    return response.content.decode()


def words(response: HttpResponseBase) -> str:
    """Return what a person reads, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text(response))).split())


def kept(*rows: dict[str, Any], name: str = "before 1.1", **changes: Any) -> OfflineTest:
    made = {**result(rows or [row(1), LEAKING]), **changes}
    return OfflineTest.objects.create(
        at=AT, name=name, captures=len(made["captures"] or []), result=made
    )


def page_of(test: OfflineTest) -> str:
    return reverse("offline_tests:test", args=[test.pk])


def picture_of(test: OfflineTest, name: str = "speed") -> str:
    return reverse("offline_tests:picture", args=[test.pk, name])


@pytest.fixture
def client(client: Client) -> Client:
    client.force_login(make_user(VIEWER))
    return client


class TestWhoSeesThem:
    """The permission is the viewer's and everybody's above."""

    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_sees_list_page_and_pictures(self, role: str) -> None:
        test, client = kept(), client_of(make_user(role))
        for place in (LIST, page_of(test), picture_of(test)):
            assert client.get(place).status_code == 200
        assert ">Offline tests</a>" in text(client.get(LIST))

    def test_without_the_permission_nothing_is_shown_and_nothing_is_offered(self) -> None:
        user = make_user(OPERATOR)
        user.groups.clear()
        test, client = kept(), client_of(user)
        for place in (LIST, page_of(test), picture_of(test)):
            assert client.get(place).status_code == 403
        assert "Offline tests" not in client.get("/").content.decode()

    def test_without_a_login_one_is_asked_for(self) -> None:
        test = kept()
        for place in (LIST, page_of(test), picture_of(test)):
            assert Client().get(place).status_code == 302

    def test_nothing_is_changed_from_here(self, client: Client) -> None:
        test = kept()
        for place in (LIST, page_of(test), picture_of(test)):
            assert client.post(place).status_code == 405
        assert OfflineTest.objects.get().result == test.result


class TestTheList:
    """Name, verdict and the figures that matter."""

    def test_an_empty_list_says_which_command_to_run(self, client: Client) -> None:
        said = words(client.get(LIST))
        assert "No offline tests yet" in said
        assert "manage.py ab_test --captures DIR --store NAME" in said

    def test_a_test_is_shown_with_its_figures(self, client: Client) -> None:
        kept(row(1), row(2), name="clean")
        kept(name="leaking")
        said = words(client.get(LIST))
        assert "leaking Not all match 2 50.0 % 7 B 2x" in said
        assert "clean All match 2 100 % 0 B 2x" in said
        assert said.index("leaking") < said.index("clean")

    def test_a_name_stays_text(self, client: Client) -> None:
        test = kept(name=HOSTILE)
        for place in (LIST, page_of(test)):
            assert HOSTILE not in text(client.get(place))
            assert html.escape(HOSTILE) in text(client.get(place))

    def test_a_result_of_another_version_is_listed_without_figures(self, client: Client) -> None:
        kept(version=2)
        assert "before 1.1 Cannot be read 2" in words(client.get(LIST))

    def test_long_lists_have_pages(self, client: Client) -> None:
        for number in range(PAGE_SIZE + 1):
            kept(row(1), name=f"test {number}")
        assert f"{PAGE_SIZE} of {PAGE_SIZE + 1}" in words(client.get(LIST))
        assert "test 0" in words(client.get(LIST, {"page": 2}))
        assert client.get(LIST, {"page": "x"}).status_code == 200

    def test_it_takes_as_many_queries_whatever_it_holds(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            kept(row(number + 1))
        with django_assert_num_queries(LIST_QUERIES):
            client.get(LIST)


class TestOneTest:
    """Figures, captures, terms."""

    def test_it_shows_verdict_figures_terms_and_captures(self, client: Client) -> None:
        said = words(client.get(page_of(kept())))
        for expected in (
            "Not all match 2 captures: 1 matched, 1 mismatched",
            "Leaked 7 B in 1 capture;",
            "legacy 1.0",
            "profile standard",
            "share 1.0, seed 1",
            "capture-2.pcap 7 bytes leaked",
        ):
            assert expected in said
        assert said.index("capture-2.pcap") < said.index("capture-1.pcap")

    def test_captures_are_searched(self, client: Client) -> None:
        test = kept()
        said = words(client.get(page_of(test), {"q": "CAPTURE-1"}))
        assert "capture-1.pcap" in said
        assert "capture-2.pcap" not in said
        assert "No capture is like that" in words(client.get(page_of(test), {"q": HOSTILE}))

    def test_of_many_captures_the_first_are_shown(self, client: Client) -> None:
        rows = [row(number) for number in range(1, MAX_LINES + 3)]
        said = words(client.get(page_of(kept(*rows))))
        assert f"{MAX_LINES} of {MAX_LINES + 2}" in said

    def test_what_was_not_tested_is_told(self, client: Client) -> None:
        said = words(
            client.get(
                page_of(
                    kept(
                        skipped=[{"file": "notes.txt", "reason": "an empty file"}],
                        duplicates=[{"file": "b.pcap", "same_as": "a.pcap"}],
                        left_out=1234,
                    )
                )
            )
        )
        for expected in ("notes.txt: an empty file", "b.pcap is the same as a.pcap", "1,234"):
            assert expected in said

    @pytest.mark.parametrize("changes", [{"version": 2}, {"schema": "other"}, {"captures": None}])
    def test_a_result_that_cannot_be_read_is_said_to_be_so(
        self, client: Client, changes: dict[str, Any]
    ) -> None:
        test = kept(**changes)
        said = words(client.get(page_of(test)))
        assert "This result cannot be read" in said
        assert "All match" not in said
        assert client.get(picture_of(test)).status_code == 404

    def test_there_is_no_page_for_a_test_that_is_not_there(self, client: Client) -> None:
        assert client.get(reverse("offline_tests:test", args=[77])).status_code == 404

    def test_no_style_and_no_script_stands_in_the_page(self, client: Client) -> None:
        shown = text(client.get(page_of(kept())))
        assert "style=" not in shown
        assert "<style" not in shown
        assert re.findall(r"<script(?![^>]*src=)", shown) == []


class TestPictures:
    """Images of their own, under a policy of their own."""

    @pytest.mark.parametrize("name", ["agreement", "speed", "memory"])
    def test_the_page_shows_each_as_an_image_with_words(self, client: Client, name: str) -> None:
        test = kept()
        (image,) = re.findall(
            rf'<img[^>]*src="{picture_of(test, name)}"[^>]*>', text(client.get(page_of(test)))
        )
        assert re.search(r'alt="[^"]{20,}"', image)

    def test_it_is_svg_that_may_load_and_run_nothing(self, client: Client) -> None:
        response = client.get(picture_of(kept()))
        assert response["Content-Type"] == "image/svg+xml"
        assert ElementTree.fromstring(text(response)).tag.endswith("svg")
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "style-src 'unsafe-inline'" in policy
        assert "script-src 'self'" in policy
        assert "private" in response["Cache-Control"]

    def test_there_are_no_others(self, client: Client) -> None:
        test = kept()
        assert client.get(picture_of(test, "other")).status_code == 404


class TestAdmin:
    """Read, never changed."""

    def test_it_can_be_read_but_not_changed(self) -> None:
        test, client = kept(), client_of(staff())
        assert client.get(address("offlinetest")).status_code == 200
        shown = client.get(address("offlinetest", "change", test.pk)).content.decode()
        assert "pktmask.ab_test" in shown
        assert page_of(test) in shown
        assert client.get(address("offlinetest", "add")).status_code == 403
        change = address("offlinetest", "change", test.pk)
        assert client.post(change, {"name": "x"}).status_code == 403
        assert client.post(address("offlinetest", "delete", test.pk)).status_code == 403

    def test_approvers_see_it_as_evidence(self) -> None:
        assert make_user(APPROVER).has_perm("trimming.view_offlinetest")
