"""The list finds what a user may see and looks for, in a stable order, in few queries."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from config.roles import ADMINISTRATOR
from tests.factories import make_capture, make_job, make_user
from trimming import jobs, quarantine
from trimming.choices import JobState, RunOutcome
from trimming.listing import (
    PAGE_SIZE,
    Counts,
    Filter,
    Row,
    counts_by_state,
    page_of,
    row_of,
    with_runs,
)
from trimming.models import AnyUser, Capture, TrimJob, TrimRun
from trimming.moves import Move

pytestmark = pytest.mark.django_db


def names(user: AnyUser, wanted: Filter | None = None, number: int = 1) -> list[str]:
    wanted, now = wanted or Filter(), timezone.now()
    counts = counts_by_state(user, wanted, now)
    return [row.capture.name for row in page_of(user, wanted, counts, number, now).rows]


def counted(user: AnyUser, wanted: Filter | None = None) -> Counts:
    return counts_by_state(user, wanted or Filter(), timezone.now())


def row(job: TrimJob) -> Row:
    return row_of(with_runs(Capture.objects.all()).get(pk=job.capture_id))


def begun(job: TrimJob) -> TrimRun:
    run = jobs.claim(job.pk, "worker")
    assert run is not None
    return run


def done(job: TrimJob, **values: object) -> TrimRun:
    run = begun(job)
    assert jobs.publish(run, output="outputs/1", duration_ms=410.0, **values)
    return run


def aged(capture: Capture, **age: float) -> datetime:
    at = timezone.now() - timedelta(**age)
    Capture.objects.filter(pk=capture.pk).update(uploaded_at=at)
    return at


class TestFinding:
    def test_the_newest_upload_comes_first(self) -> None:
        owner = make_user()
        aged(make_job(owner, name="old.pcap").capture, hours=2)
        make_job(owner, name="new.pcap")

        assert names(owner) == ["new.pcap", "old.pcap"]

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("", ["small.pcap", "large.pcap", "middle.pcap"]),
            ("name", ["large.pcap", "middle.pcap", "small.pcap"]),
            ("-name", ["small.pcap", "middle.pcap", "large.pcap"]),
            ("-size", ["large.pcap", "middle.pcap", "small.pcap"]),
            # what was never begun comes last either way
            ("started", ["large.pcap", "small.pcap", "middle.pcap"]),
            ("-started", ["large.pcap", "small.pcap", "middle.pcap"]),
            ("nonsense", ["small.pcap", "large.pcap", "middle.pcap"]),
        ],
    )
    def test_the_list_is_sorted_as_asked(self, sort: str, expected: list[str]) -> None:
        owner = make_user()
        for name, size in (("middle", 2), ("large", 3), ("small", 1)):
            job = make_job(owner, name=f"{name}.pcap")
            Capture.objects.filter(pk=job.capture_id).update(size_bytes=size)
        begun(TrimJob.objects.get(capture__name="large.pcap"))

        assert names(owner, Filter(sort=sort)) == expected

    def test_captures_of_others_are_found_only_by_those_who_see_all(self) -> None:
        make_job(make_user(), name="theirs.pcap")

        assert names(make_user()) == []
        assert names(make_user(ADMINISTRATOR)) == ["theirs.pcap"]

    def test_a_deleted_capture_is_not_found(self) -> None:
        job = make_job(make_user())
        Capture.objects.filter(pk=job.capture_id).update(deleted_at=timezone.now())

        assert names(job.capture.owner) == []
        assert counted(job.capture.owner).kept_in_all == 0

    def test_a_name_is_found_by_any_part_of_it(self) -> None:
        owner = make_user()
        make_job(owner, name="Edge-fra1.pcap")
        make_job(owner, name="pop-mad1.pcap")

        assert names(owner, Filter(search="edge")) == ["Edge-fra1.pcap"]

    def test_a_digest_is_found_by_its_beginning(self) -> None:
        owner = make_user()
        digest = make_job(owner, name="one.pcap").capture.sha256
        make_job(owner, name="two.pcap")

        assert names(owner, Filter(search=digest[:12].upper())) == ["one.pcap"]
        assert names(owner, Filter(search=digest[1:13])) == []

    def test_an_owner_is_found_only_by_those_who_see_all(self) -> None:
        owner = make_user()
        make_job(owner, name="one.pcap")
        wanted = Filter(search=owner.username)

        assert names(owner, wanted) == []
        assert names(make_user(ADMINISTRATOR), wanted) == ["one.pcap"]

    def test_a_time_narrows_by_upload(self) -> None:
        owner = make_user()
        aged(make_job(owner, name="old.pcap").capture, hours=25)
        make_job(owner, name="new.pcap")

        assert names(owner, Filter(since="24h")) == ["new.pcap"]
        assert names(owner, Filter(since="7d")) == ["new.pcap", "old.pcap"]

    def test_a_state_narrows_to_the_current_job(self) -> None:
        owner = make_user()
        begun(make_job(owner, name="running.pcap"))
        make_job(owner, name="waiting.pcap")

        assert names(owner, Filter(state="running")) == ["running.pcap"]


class TestCounting:
    def test_states_are_counted_in_one_query(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        owner = make_user()
        begun(make_job(owner))
        make_job(owner)
        make_job(owner)
        make_capture(owner)
        owner.has_perm("trimming.view_all_captures")  # permissions are cached on the user

        with django_assert_num_queries(1):
            counts = counted(owner)

        assert counts.kept == {"running": 1, "waiting": 2, "": 1}
        assert counts.kept_in_all == counts.found_in("") == 4

    def test_a_filter_counts_what_it_finds_beside_what_is_kept(self) -> None:
        owner = make_user()
        make_job(owner, name="edge.pcap")
        make_job(owner, name="pop.pcap")

        counts = counted(owner, Filter(state="failed", search="edge"))

        assert counts.kept_in_all == 2
        assert counts.found_in("waiting") == 1
        assert counts.found_in("failed") == 0

    def test_only_what_was_refused_within_the_hour_counts_as_late_news(self) -> None:
        owner = make_user()
        for _ in range(2):
            run = begun(make_job(owner))
            jobs.give_up(run, Move.REFUSE, RunOutcome.REFUSED, "not a capture")
        earlier = timezone.now() - timedelta(hours=2)
        TrimJob.objects.filter(pk=run.job_id).update(finished_at=earlier)

        assert counted(owner).refused_lately == 1


class TestPaging:
    @pytest.fixture
    def owner(self) -> User:
        owner = make_user()
        at = timezone.now()
        Capture.objects.bulk_create(
            Capture(
                owner=owner,
                name=f"{number:03}.pcap",
                origin="upload",
                size_bytes=1,
                sha256=f"{number:064x}",
                file_format="pcap",
                uploaded_at=at,  # the same for all: the order must hold all the same
            )
            for number in range(PAGE_SIZE + 7)
        )
        return owner

    def test_pages_hold_each_capture_once(self, owner: User) -> None:
        first, second = names(owner), names(owner, number=2)

        assert len(first) == PAGE_SIZE
        assert len({*first, *second}) == PAGE_SIZE + 7

    def test_a_page_says_which_part_it_is(self, owner: User) -> None:
        now = timezone.now()
        page = page_of(owner, Filter(), counted(owner), 2, now)

        assert (page.first, page.last, page.total, page.pages) == (51, 57, 57, 2)

    @pytest.mark.parametrize(("asked", "given"), [(0, 1), (99, 2)])
    def test_a_page_out_of_range_is_the_nearest_one(
        self, owner: User, asked: int, given: int
    ) -> None:
        assert page_of(owner, Filter(), counted(owner), asked, timezone.now()).number == given

    def test_an_empty_page_has_no_first_and_last(self) -> None:
        user = make_user()
        page = page_of(user, Filter(), counted(user), 1, timezone.now())

        assert (page.first, page.last, page.pages) == (0, 0, 1)

    def test_a_page_takes_two_queries_however_much_it_holds(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        owner = make_user()
        for _ in range(4):
            done(make_job(owner), report={"bytes": 100}, masked_bytes=30)
        counts, now = counted(owner), timezone.now()

        with django_assert_num_queries(2):
            rows = page_of(owner, Filter(), counts, 1, now).rows
            for each in rows:
                assert (each.strategy, each.capture.owner.username) == ("legacy", owner.username)
                assert each.has_result
                assert each.whole_bytes


class TestRows:
    def test_a_capture_without_a_job_has_no_state(self) -> None:
        found = row_of(with_runs(Capture.objects.all()).get(pk=make_capture(make_user()).pk))

        assert (found.state, found.strategy, found.reason) == ("", "", "")
        assert not found.is_open
        assert not found.has_result
        assert found.whole_bytes is None
        assert found.ran_seconds(timezone.now()) is None

    def test_a_waiting_job_shows_the_strategy_that_was_asked_for(self) -> None:
        job = make_job(make_user())
        TrimJob.objects.filter(pk=job.pk).update(strategy_override="scanning")

        assert row(job).strategy == "scanning"

    def test_a_job_that_waits_anew_shows_nothing_of_the_lost_attempt(self) -> None:
        job = make_job(make_user())
        jobs.lose(begun(job), RunOutcome.LOST, "the worker is gone")

        assert row(job).state == JobState.WAITING
        assert row(job).run is None

    def test_a_running_job_has_run_until_now(self) -> None:
        run = begun(make_job(make_user()))
        found = row(run.job)

        assert found.is_running
        assert found.ran_seconds(run.started_at + timedelta(seconds=7)) == 7

    def test_a_result_shows_its_measured_time_and_its_share(self) -> None:
        run = done(make_job(make_user()), report={"bytes": 10_000}, masked_bytes=4_000)
        found = row(run.job)

        assert found.has_result
        assert found.ran_seconds(timezone.now()) == 0.41
        assert found.whole_bytes == 10_000

    def test_the_share_is_one_of_the_file_unless_it_was_packed(self) -> None:
        run = done(make_job(make_user()), report={"bytes": 1})
        size = run.input_bytes

        assert row(run.job).whole_bytes == size
        Capture.objects.filter(pk=run.job.capture_id).update(file_format="pcap, gzip")
        assert row(run.job).whole_bytes == 1

    def test_a_report_that_tells_no_bytes_gives_no_share(self) -> None:
        run = done(make_job(make_user()), report={"bytes": "many"})

        assert row(run.job).whole_bytes is None

    def test_a_result_whose_file_is_gone_cannot_be_taken_away(self) -> None:
        run = done(make_job(make_user()))
        TrimRun.objects.filter(pk=run.pk).update(output="")

        assert not row(run.job).has_result

    def test_a_result_in_quarantine_cannot_be_taken_away_until_it_is_released(self) -> None:
        run = done(make_job(make_user()))
        assert (row(run.job).is_in_quarantine, row(run.job).can_download) == (False, True)

        quarantine.put([run.pk], "a leak")
        assert (row(run.job).is_in_quarantine, row(run.job).can_download) == (True, False)
        assert row(run.job).has_result

        quarantine.release(run.pk, reason="looked at")
        assert (row(run.job).is_in_quarantine, row(run.job).can_download) == (False, True)

    def test_a_failed_job_shows_why_and_can_be_tried_again(self) -> None:
        run = begun(make_job(make_user()))
        jobs.give_up(run, Move.FAIL, RunOutcome.FAILED, "no space left")

        assert row(run.job).reason == "no space left"
        assert row(run.job).can_retry

    def test_a_refused_job_is_not_tried_again(self) -> None:
        run = begun(make_job(make_user()))
        jobs.give_up(run, Move.REFUSE, RunOutcome.REFUSED, "not a capture")

        assert row(run.job).reason == "not a capture"
        assert not row(run.job).can_retry

    def test_nothing_is_tried_again_without_its_original(self) -> None:
        job = make_job(make_user())
        jobs.cancel(job.pk)
        assert row(job).can_retry

        Capture.objects.filter(pk=job.capture_id).update(original_deleted_at=timezone.now())
        assert not row(job).can_retry
