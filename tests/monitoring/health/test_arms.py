"""The arms are compared by what was shared out, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from monitoring.health.arms import Assigned, Pair, compare, compare_arms, compare_times, slower
from tests.factories import capture_bytes, make_job, make_user, standard
from tests.trimming.shadows import compare_all, make_shadow
from trimming.choices import JobState, RunOutcome
from trimming.jobs import create_job
from trimming.models import RoutingPolicy, TrimJob, TrimRun
from trimming.policy import Wish, newest_policy, publish
from trimming.routing_choices import Arm, Mode, Origin, ShadowState, Why


def share_out(share: float = 0.5, salt: str | None = None) -> RoutingPolicy:
    wish = Wish(Mode.AB_TEST, treatment_share=share, salt=salt)
    return publish(wish, origin=Origin.OPERATOR, reason="a test")


def make_assigned(arm: Arm, policy: RoutingPolicy, /, **values: Any) -> TrimJob:
    """Return a job as routing left it."""
    job = make_job(make_user())
    TrimJob.objects.filter(pk=job.pk).update(
        **{
            "arm": arm,
            "share": policy.treatment_share,
            "policy_version": policy.version,
            "state": JobState.DONE,
            **values,
        }
    )
    return job


def make_run(job: TrimJob, outcome: RunOutcome, blame: str = "") -> None:
    TrimRun.objects.create(
        job=job,
        attempt=1,
        strategy="scanning",
        worker="a test",
        outcome=outcome,
        blame=blame,
        started_at=timezone.now(),
        input_bytes=1,
    )


@pytest.mark.django_db
def test_what_is_not_shared_out_is_not_compared() -> None:
    policy = share_out()
    make_assigned(Arm.CONTROL, policy)
    assert compare_arms(newest_policy()).assigned == 1
    compare_all()
    assert compare_arms(newest_policy()).assigned == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [
        {"why": Why.UNWATCHED},
        {"arm": Arm.NONE, "why": Why.OVERRIDE},
        {"share": 0.0},
        {"share": None},
        {"policy_version": None},
    ],
)
def test_what_nobody_drew_a_lot_for_is_left_out(values: dict[str, Any]) -> None:
    policy = share_out()
    make_assigned(Arm.CONTROL, policy, **values)
    assert compare_arms(policy).assigned == 0


@pytest.mark.django_db
def test_a_capture_counts_once_and_only_under_the_present_salt() -> None:
    before = share_out(salt="one")
    make_assigned(Arm.CONTROL, before)
    policy = share_out(salt="two")
    job = make_assigned(Arm.TREATMENT, policy)
    again = create_job(job.capture, standard(), job.capture.owner)
    TrimJob.objects.filter(pk=again.pk).update(
        arm=Arm.TREATMENT, share=0.5, policy_version=policy.version
    )
    found = compare_arms(policy)
    assert (found.assigned, found.assigned_to_treatment) == (1, 1)
    assert (found.expected_share, found.harm_e) == (0.5, None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "outcome", "blame", "counts"),
    [
        ({"state": JobState.FAILED}, RunOutcome.FAILED, "", True),
        ({"state": JobState.FAILED}, RunOutcome.UNVERIFIED, "strategy", True),
        ({"state": JobState.FAILED}, RunOutcome.UNVERIFIED, "capture", False),
        ({"state": JobState.FAILED}, RunOutcome.BROKEN, "", False),
        ({"state": JobState.FAILED}, RunOutcome.LOST, "", False),
        ({"state": JobState.REFUSED}, RunOutcome.REFUSED, "", False),
        # legacy served it after all
        ({"state": JobState.DONE, "failed_on": "scanning"}, RunOutcome.LATE, "", True),
        (
            {"state": JobState.DONE, "failed_on": "scanning"},
            RunOutcome.UNVERIFIED,
            "strategy",
            True,
        ),
        # or is to tell
        ({"failed_on": "scanning"}, RunOutcome.UNVERIFIED, "undecided", False),
    ],
)
def test_only_what_a_strategy_did_is_a_failure(
    values: dict[str, Any], outcome: RunOutcome, blame: str, counts: bool
) -> None:
    policy = share_out()
    make_assigned(Arm.CONTROL, policy)
    make_run(make_assigned(Arm.TREATMENT, policy, **values), outcome, blame)
    found = compare_arms(policy).harm_e
    assert found is not None
    assert (found > 1.05) is counts


def test_a_larger_share_moves_captures_one_way_and_the_other_way_is_wrong() -> None:
    ramp = [Assigned("a", Arm.CONTROL, 0.1, False), Assigned("a", Arm.TREATMENT, 0.5, False)]
    assert compare(ramp).changed_arm == compare(reversed(ramp)).changed_arm == 0
    wrong = [Assigned("a", Arm.TREATMENT, 0.1, False), Assigned("a", Arm.CONTROL, 0.5, False)]
    assert compare(wrong).changed_arm == compare(reversed(wrong)).changed_arm == 1
    same = [Assigned("a", Arm.TREATMENT, 0.5, False), Assigned("a", Arm.CONTROL, 0.5, False)]
    assert compare(same).changed_arm == 1


BUCKET_AND_SHARES = st.tuples(
    st.integers(0, 99), st.lists(st.integers(1, 99), min_size=1, max_size=8)
)


@given(st.lists(BUCKET_AND_SHARES, min_size=1, max_size=10))
def test_no_capture_changes_arm_as_long_as_its_bucket_decides(
    drawn: list[tuple[int, list[int]]],
) -> None:
    assigned = [
        Assigned(str(n), Arm.TREATMENT if bucket < share else Arm.CONTROL, share / 100, False)
        for n, (bucket, shares) in enumerate(drawn)
        for share in shares
    ]
    found = compare(assigned)
    assert found.changed_arm == 0
    assert found.assigned == len(drawn)


def test_what_is_expected_is_the_mean_of_the_shares_in_force() -> None:
    found = compare(
        [*(Assigned(f"{n}", Arm.CONTROL, 0.1, False) for n in range(3)),
         Assigned("x", Arm.TREATMENT, 0.5, False)]
    )  # fmt: skip
    assert found.expected_share == pytest.approx(0.2)


def test_a_split_that_is_far_off_is_evidence() -> None:
    found = compare(Assigned(str(n), Arm.CONTROL, 0.5, False) for n in range(200))
    assert found.sample_ratio_e is not None
    assert found.sample_ratio_e > 1000


# --- pairs ----------------------------------------------------------------------------------------


def test_a_slower_treatment_is_told_from_one_that_is_not() -> None:
    slow = slower(Pair(str(n), 10.0, 20.0) for n in range(30))
    quick = slower(Pair(str(n), 10.0, 0.5) for n in range(30))
    assert slow.slower_e is not None
    assert quick.slower_e is not None
    assert slow.slower_e > 100 > 1 > quick.slower_e
    assert slow.pairs == 30


def test_a_pair_counts_once_for_each_capture() -> None:
    assert slower([Pair("a", 1.0, 9.0)] * 50).pairs == 1


@pytest.mark.django_db
def test_pairs_are_those_of_the_newest_build_that_have_both_times() -> None:
    compare_all()
    done: dict[str, Any] = {"state": ShadowState.DONE, "control_ms": 10.0, "treatment_version": "2"}
    make_shadow(**done, treatment_ms=30.0)
    make_shadow(**done, treatment_ms=None)
    make_shadow(**{**done, "state": ShadowState.RUNNING}, treatment_ms=30.0)
    long_ago = timezone.now().replace(year=2020)
    make_shadow(**{**done, "treatment_version": "1"}, treatment_ms=30.0, queued_at=long_ago)
    assert compare_times(newest_policy()).pairs == 1
    publish(
        Wish(Mode.COMPARISON, shadow_share=1.0, salt="another"),
        origin=Origin.OPERATOR,
        reason="a test",
    )
    assert compare_times(newest_policy()).slower_e is None


@pytest.mark.django_db
def test_a_capture_is_known_by_what_it_holds() -> None:
    policy, data = share_out(), capture_bytes()
    for arm in (Arm.CONTROL, Arm.TREATMENT):
        job = make_job(make_user(), data)
        TrimJob.objects.filter(pk=job.pk).update(arm=arm, share=0.5, policy_version=policy.version)
    found = compare_arms(policy)
    assert (found.assigned, found.changed_arm) == (1, 1)
