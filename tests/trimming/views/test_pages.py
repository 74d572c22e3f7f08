"""The list and its rows: who sees what, what is offered, and that names stay text."""

from __future__ import annotations

import html
import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from config.roles import ADMINISTRATOR, OPERATOR, VIEWER
from tests.factories import make_capture, make_job, make_user
from trimming import jobs, quarantine
from trimming.choices import JobStage, RunOutcome
from trimming.listing import PAGE_SIZE
from trimming.models import Capture, TrimJob, TrimRun
from trimming.moves import Move

pytestmark = pytest.mark.django_db
LIST = reverse("trimming:captures")
HOSTILE = '"><img src=x onerror=alert(1)>.pcap'
# session, user, their permissions (own and by group), the counts, the page's captures and runs,
# three for the strip, one for the rollout, four for the profiles, one each for role and tour
PAGE_QUERIES = 18


def text(response: HttpResponseBase) -> str:
    assert isinstance(response, HttpResponse)
    assert response.status_code == 200
    return response.content.decode()


def words(response: HttpResponseBase) -> str:
    """Return what a person reads, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text(response))).split())


def row_address(job: TrimJob) -> str:
    return reverse("trimming:row", args=[job.capture_id])


@pytest.fixture
def owner() -> User:
    return make_user(OPERATOR)


@pytest.fixture
def client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def done(job: TrimJob) -> None:
    run = jobs.claim(job.pk, "worker")
    assert run is not None
    report = {"bytes": run.input_bytes}
    jobs.publish(
        run,
        output="outputs/1",
        duration_ms=410.0,
        messages=7817,
        masked_bytes=run.input_bytes // 2,
        report=report,
    )


def ended(job: TrimJob, move: Move, outcome: RunOutcome, reason: str) -> None:
    run = jobs.claim(job.pk, "worker")
    assert run is not None
    jobs.give_up(run, move, outcome, reason)


class TestWhoSeesWhat:
    @pytest.mark.parametrize("name", ["captures", "row"])
    def test_anonymous_people_are_sent_to_the_sign_in(self, name: str) -> None:
        address = reverse(f"trimming:{name}", args=[uuid.uuid4()] if name == "row" else [])

        response = Client().get(address)

        assert response.status_code == 302
        assert response["Location"].startswith(reverse("login"))

    def test_the_row_of_somebody_else_does_not_exist(self, client: Client) -> None:
        assert client.get(row_address(make_job(make_user()))).status_code == 404

    def test_a_deleted_row_does_not_exist(self, client: Client, owner: User) -> None:
        job = make_job(owner)
        Capture.objects.filter(pk=job.capture_id).update(deleted_at=timezone.now())

        assert client.get(row_address(job)).status_code == 404

    def test_the_list_holds_no_captures_of_others(self, client: Client, owner: User) -> None:
        make_job(make_user(), name="theirs.pcap")
        make_job(owner, name="mine.pcap")
        page = text(client.get(LIST))

        assert "mine.pcap" in page
        assert "theirs.pcap" not in page

    def test_those_who_see_all_see_whose_each_is(self, client: Client, owner: User) -> None:
        make_job(owner)
        client.force_login(make_user(ADMINISTRATOR))

        assert f"by {owner.username}" in words(client.get(LIST))

    def test_an_account_without_a_role_is_told_what_to_do(self, client: Client) -> None:
        client.force_login(User.objects.create_user("nobody"))

        response = client.get(LIST)

        assert response.status_code == 403
        assert "Ask an administrator" in response.content.decode()

    def test_neither_page_is_kept_by_the_browser(self, client: Client, owner: User) -> None:
        for address in (LIST, row_address(make_job(owner))):
            assert "no-store" in client.get(address)["Cache-Control"]

    @pytest.mark.parametrize("name", ["captures", "row"])
    def test_pages_are_only_read(self, client: Client, owner: User, name: str) -> None:
        job = make_job(owner)
        address = reverse(f"trimming:{name}", args=[job.capture_id] if name == "row" else [])

        assert client.post(address).status_code == 405


class TestHostileNames:
    def test_a_name_stays_text_in_the_list_and_in_a_row(self, client: Client, owner: User) -> None:
        job = make_job(owner, name=HOSTILE)
        ended(job, Move.FAIL, RunOutcome.FAILED, "<script>alert(2)</script>")

        for address in (LIST, row_address(job)):
            page = text(client.get(address))
            assert "<img" not in page
            assert "<script>alert" not in page
            assert html.escape(HOSTILE) in page

    def test_a_search_stays_text(self, client: Client) -> None:
        page = text(client.get(LIST, {"q": HOSTILE, "state": "failed"}))

        assert "<img" not in page


class TestRows:
    def test_a_running_job_shows_its_percent_and_can_be_cancelled(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        run = jobs.claim(job.pk, "worker")
        assert run is not None
        jobs.renew(run, JobStage.VERIFY, 1, 28)
        response = client.get(row_address(job))

        assert "Running 71 %" in words(response)
        assert reverse("trimming:cancel", args=[job.capture_id]) in text(response)

    def test_a_job_that_is_being_stopped_is_not_cancelled_twice(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        assert jobs.claim(job.pk, "worker") is not None
        jobs.cancel(job.pk)
        response = client.get(row_address(job))

        assert "Stopping…" in words(response)
        assert reverse("trimming:cancel", args=[job.capture_id]) not in text(response)

    def test_a_result_shows_its_figures_and_can_be_downloaded(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        done(job)
        response = client.get(row_address(job))

        assert {"Done", "legacy", "7,817", "0.41"} <= set(words(response).split())
        assert reverse("trimming:download", args=[job.capture_id]) in text(response)
        assert 'data-can="result ended"' in text(response)

    def test_a_result_in_quarantine_says_so_and_is_not_offered(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        done(job)
        quarantine.put(TrimRun.objects.values_list("pk", flat=True), "a leak")
        response = client.get(row_address(job))

        assert "In quarantine" in words(response)
        assert reverse("trimming:download", args=[job.capture_id]) not in text(response)
        assert 'data-can="ended"' in text(response)

    @pytest.mark.parametrize(
        ("strategy", "look"),
        [
            ("legacy", '<span class="arm control">legacy</span>'),
            ("scanning", '<span class="arm treatment">scanning</span>'),
            ("house", "<span>house</span>"),
        ],
    )
    def test_each_arm_has_its_own_swatch_and_other_strategies_none(
        self, client: Client, owner: User, strategy: str, look: str
    ) -> None:
        job = make_job(owner)
        TrimJob.objects.filter(pk=job.pk).update(strategy_override=strategy)

        assert look in text(client.get(row_address(job)))

    def test_a_failure_shows_its_reason_and_can_be_tried_again(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        ended(job, Move.FAIL, RunOutcome.FAILED, "The disk was full.")
        response = client.get(row_address(job))

        assert "The disk was full." in words(response)
        assert reverse("trimming:retry", args=[job.capture_id]) in text(response)

    def test_a_refused_capture_can_be_deleted(self, client: Client, owner: User) -> None:
        job = make_job(owner)
        ended(job, Move.REFUSE, RunOutcome.REFUSED, "Packet 3 is cut.")
        response = client.get(row_address(job))

        assert "Packet 3 is cut." in words(response)
        assert reverse("trimming:delete", args=[job.capture_id]) in text(response)

    def test_a_viewer_is_offered_no_action(self, client: Client) -> None:
        viewer = make_user(VIEWER)
        job = make_job(viewer)
        done(job)
        client.force_login(viewer)
        page = text(client.get(row_address(job)))

        assert 'data-can="ended"' in page
        assert reverse("trimming:download", args=[job.capture_id]) not in page

    def test_a_capture_without_a_job_has_a_row(self, client: Client, owner: User) -> None:
        capture = make_capture(owner, name="bare.pcap")

        row = text(client.get(reverse("trimming:row", args=[capture.pk])))
        assert "bare.pcap" in row
        assert "No job" in row

    def test_times_give_the_exact_utc(self, client: Client, owner: User) -> None:
        job = make_job(owner)
        run = jobs.claim(job.pk, "worker")
        assert run is not None
        exact = f'title="{run.started_at:%Y-%m-%d %H:%M:%S} UTC"'

        assert exact in text(client.get(row_address(job)))


class TestTheList:
    def test_an_empty_list_says_what_to_do_next(self, client: Client) -> None:
        assert "Drop a pcap or pcapng file" in words(client.get(LIST))

    def test_a_search_without_a_hit_offers_the_way_back(self, client: Client, owner: User) -> None:
        make_job(owner)

        assert "Show all captures" in words(client.get(LIST, {"q": "nothing"}))

    def test_the_heading_counts_what_is_kept(self, client: Client, owner: User) -> None:
        make_job(owner)
        ended(make_job(owner), Move.REFUSE, RunOutcome.REFUSED, "no")

        expected = "2 kept, 0 running, 1 waiting, 1 refused in the last hour"
        assert expected in words(client.get(LIST))

    def test_an_open_page_can_ask_for_the_numbers_alone(self, client: Client, owner: User) -> None:
        make_job(owner, name="edge.pcap")
        page = text(client.get(LIST, {"part": "counts", "q": "pop"}))

        assert '<span class="n" data-count="kept">1</span>' in page
        assert '<span class="n" data-count="tab-all">0</span>' in page
        assert "edge.pcap" not in page

    def test_a_state_keeps_the_search_and_begins_at_the_first_page(self, client: Client) -> None:
        page = text(client.get(LIST, {"q": "edge", "page": "2"}))

        assert 'href="?q=edge&amp;state=failed"' in page

    def test_pages_lead_to_each_other(self, client: Client, owner: User) -> None:
        for _ in range(PAGE_SIZE + 1):
            make_capture(owner)

        assert 'href="?page=2" rel="next"' in text(client.get(LIST))
        second = text(client.get(LIST, {"page": "2"}))
        assert 'href="?" rel="prev"' in second
        assert 'data-newest="no"' in second

    def test_uploading_is_offered_to_those_who_may(self, client: Client) -> None:
        page = text(client.get(LIST))

        assert f'action="{reverse("trimming:upload")}"' in page
        assert "standard, version" in page
        assert 'name="strategy"' not in page

    def test_others_are_told_which_role_may_upload(self, client: Client) -> None:
        client.force_login(make_user(VIEWER))
        response = client.get(LIST)

        assert f'action="{reverse("trimming:upload")}"' not in text(response)
        assert "Operators and administrators may upload" in words(response)

    def test_nothing_on_the_page_needs_a_loose_content_policy(
        self, client: Client, owner: User
    ) -> None:
        make_job(owner)
        page = text(client.get(LIST))

        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"<[^>]+\s(style|on\w+)=", page)
        assert "<style" not in page

    @pytest.mark.parametrize("count", [1, 9])
    def test_the_number_of_queries_does_not_depend_on_the_number_of_captures(
        self,
        client: Client,
        owner: User,
        count: int,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _ in range(count):
            done(make_job(owner))

        with django_assert_num_queries(PAGE_QUERIES):
            client.get(LIST)

    def test_a_head_sorts_turns_round_and_lets_go(self, client: Client, owner: User) -> None:
        for name in ("b.pcap", "a.pcap"):
            make_capture(owner, name=name)
        shown = []
        for address in ("?q=pcap", "?q=pcap&sort=name", "?q=pcap&sort=-name"):
            page = text(client.get(LIST + address))
            head = re.search(r'<th [^>]*?(?:aria-sort="(\w+)")?><a class="sort" href="(.*?)"', page)
            assert head is not None
            shown.append(
                (head[1], html.unescape(head[2]), page.index("a.pcap") < page.index("b.p"))
            )
        assert shown == [
            (None, "?q=pcap&sort=name", True),
            ("ascending", "?q=pcap&sort=-name", True),
            ("descending", "?q=pcap", False),
        ]
        assert 'data-newest="no"' in text(client.get(f"{LIST}?sort=name"))
        assert "/captures/export/?q=pcap&amp;sort=-size" in text(
            client.get(f"{LIST}?q=pcap&sort=-size&page=1")
        )


class TestSignIn:
    def test_the_form_works_with_password_managers(self) -> None:
        page = text(Client().get(reverse("login")))

        assert 'autocomplete="username"' in page
        assert 'autocomplete="current-password"' in page

    def test_a_wrong_password_is_said_in_a_sentence(self) -> None:
        response = Client().post(reverse("login"), {"username": "x", "password": "y"})

        assert "The name or the password is wrong." in words(response)

    def test_the_way_goes_on_to_where_it_was_meant_to(self, owner: User) -> None:
        owner.set_password("a password to sign in with")
        owner.save()
        response = Client().post(
            reverse("login"),
            {
                "username": owner.username,
                "password": "a password to sign in with",
                "next": f"{LIST}?state=failed",
            },
        )

        assert response["Location"] == f"{LIST}?state=failed"


class TestErrorPages:
    def test_an_unknown_address_says_that_nothing_was_changed(self, client: Client) -> None:
        response = client.get("/nowhere/")

        assert response.status_code == 404
        assert "Nothing was changed." in response.content.decode()

    def test_a_form_without_its_token_is_refused_with_what_to_do(self, owner: User) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(owner)
        response = strict.post(reverse("logout"))

        assert response.status_code == 403
        assert "load the page again" in response.content.decode()

    def test_the_page_of_an_error_asks_nothing_of_database_or_user(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        from django.template.loader import get_template

        with django_assert_num_queries(0):
            for name in ("400.html", "500.html"):
                assert "Go to the start page" in get_template(name).render()


class TestMessages:
    def test_errors_stand_in_the_page_and_successes_are_toasts(
        self, client: Client, owner: User
    ) -> None:
        job = make_job(owner)
        client.post(reverse("trimming:cancel", args=[job.capture_id]))
        page = text(client.get(LIST))
        assert re.search(r'data-toasts>\s*<div class="toast ok">', page)

        client.post(reverse("trimming:cancel", args=[job.capture_id]))
        page = text(client.get(LIST))
        assert '<div class="notice fail" role="alert">' in page.split("<template")[0]
