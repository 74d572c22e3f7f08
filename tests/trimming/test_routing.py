"""Which strategy a capture goes to, and why."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from trimming.routing import (
    BUCKETS,
    CONTROL,
    TREATMENT,
    Decision,
    Policy,
    Traits,
    bucket_of,
    decide,
    is_below,
    is_shadowed,
)
from trimming.routing_choices import Arm, Mode, Why

POLICY = Policy(
    version=7,
    fence_epoch=2,
    mode=Mode.AB_TEST,
    treatment_share=0.5,
    shadow_share=0.25,
    salt="salt",
    guarded=False,
    stands_back=False,
)
TRAITS = Traits(digest="a" * 64, is_supported=True)
DIGESTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(100_000)]


def where(
    policy: Policy | None = POLICY,
    traits: Traits = TRAITS,
    *,
    is_watched: bool = True,
    may_treat: bool = True,
) -> Decision:
    return decide(policy, traits, is_watched=is_watched, may_treat=lambda: may_treat)


def test_a_share_of_one_percent_lies_within_its_binomial_interval() -> None:
    found = sum(is_below(bucket_of("salt", digest), 0.01) for digest in DIGESTS)
    low, high = binom.interval(0.999, len(DIGESTS), 0.01)
    assert low <= found <= high


def test_raising_the_share_moves_no_capture_back() -> None:
    shares = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0)
    for digest in DIGESTS[:10_000]:
        bucket = bucket_of("salt", digest)
        inside = [is_below(bucket, share) for share in shares]
        assert inside == sorted(inside)
        assert (inside[0], inside[-1]) == (False, True)


def test_another_salt_gives_an_independent_draw() -> None:
    share = 0.1
    both = sum(
        is_below(bucket_of("one", digest), share) and is_below(bucket_of("two", digest), share)
        for digest in DIGESTS
    )
    low, high = binom.interval(0.999, len(DIGESTS), share * share)
    assert low <= both <= high


def test_arms_and_shadows_are_drawn_independently() -> None:
    policy = replace(POLICY, treatment_share=0.1, shadow_share=0.1)
    both = sum(
        is_below(bucket_of(policy.salt, digest), 0.1) and is_shadowed(policy, digest)
        for digest in DIGESTS
    )
    low, high = binom.interval(0.999, len(DIGESTS), 0.01)
    assert low <= both <= high


def test_the_same_capture_gets_the_same_bucket_within_the_bounds() -> None:
    assert bucket_of("s", "d") == bucket_of("s", "d")
    assert all(0 <= bucket_of("s", digest) < BUCKETS for digest in DIGESTS[:1000])


IN, OUT = (
    next(d for d in DIGESTS if is_below(bucket_of("salt", d), 0.5) is inside)
    for inside in (True, False)
)


@pytest.mark.parametrize(
    ("mode", "digest", "strategy", "arm", "why"),
    [
        (Mode.LEGACY, IN, CONTROL, Arm.CONTROL, Why.MODE_LEGACY),
        (Mode.COMPARISON, IN, CONTROL, Arm.CONTROL, Why.MODE_COMPARISON),
        (Mode.AB_TEST, IN, TREATMENT, Arm.TREATMENT, Why.BUCKET_TREATMENT),
        (Mode.AB_TEST, OUT, CONTROL, Arm.CONTROL, Why.BUCKET_CONTROL),
        (Mode.AUTO, OUT, TREATMENT, Arm.TREATMENT, Why.AUTO_SUPPORTED),
        (Mode.SCANNING, OUT, TREATMENT, Arm.TREATMENT, Why.MODE_SCANNING),
    ],
)
def test_each_mode_sends_captures_where_it_says(
    mode: Mode, digest: str, strategy: str, arm: Arm, why: Why
) -> None:
    found = where(replace(POLICY, mode=mode), replace(TRAITS, digest=digest))
    assert (found.strategy, found.arm, found.why) == (strategy, arm, why)
    assert found.bucket == bucket_of("salt", digest)


def test_what_scanning_does_not_support_stays_with_legacy_in_auto() -> None:
    found = where(replace(POLICY, mode=Mode.AUTO), replace(TRAITS, is_supported=False))
    assert (found.strategy, found.arm, found.why) == (CONTROL, Arm.CONTROL, Why.AUTO_UNSUPPORTED)


def test_a_policy_that_cannot_be_read_sends_everything_to_legacy() -> None:
    assert where(None).why is Why.NO_POLICY
    assert where(None, replace(TRAITS, override=TREATMENT)).strategy == CONTROL


SCANNING = replace(POLICY, mode=Mode.SCANNING)


def test_a_guarded_policy_gives_nothing_to_the_treatment_while_nobody_watches() -> None:
    guarded = replace(SCANNING, guarded=True)
    assert where(guarded, is_watched=True).strategy == TREATMENT
    found = where(guarded, is_watched=False)
    assert (found.strategy, found.arm, found.why) == (CONTROL, Arm.CONTROL, Why.UNWATCHED)
    assert where(SCANNING, is_watched=False).strategy == TREATMENT


def test_while_the_breaker_is_open_legacy_serves_what_was_assigned_to_the_treatment() -> None:
    found = where(SCANNING, may_treat=False)
    assert (found.strategy, found.arm, found.why) == (CONTROL, Arm.TREATMENT, Why.BREAKER_OPEN)


def test_a_capture_on_which_the_treatment_failed_stays_in_its_arm_and_goes_to_legacy() -> None:
    found = where(SCANNING, replace(TRAITS, has_failed_on=TREATMENT))
    assert (found.strategy, found.arm, found.why) == (CONTROL, Arm.TREATMENT, Why.FALLBACK)


def test_a_person_may_choose_but_not_against_a_rollback() -> None:
    legacy = replace(POLICY, mode=Mode.LEGACY)
    chosen = replace(TRAITS, override=TREATMENT)
    assert where(legacy, chosen) == Decision(
        TREATMENT, Arm.NONE, bucket_of("salt", TRAITS.digest), 0.0, Why.OVERRIDE
    )
    rolled_back = replace(legacy, stands_back=True)
    found = where(rolled_back, chosen)
    assert (found.strategy, found.why) == (CONTROL, Why.OVERRIDE_REFUSED)
    found = where(rolled_back, replace(TRAITS, override=CONTROL))
    assert (found.strategy, found.why) == (CONTROL, Why.OVERRIDE)


def test_a_strategy_that_a_person_chose_and_that_failed_is_not_tried_again() -> None:
    found = where(SCANNING, replace(TRAITS, override=TREATMENT, has_failed_on=TREATMENT))
    assert (found.strategy, found.arm, found.why) == (CONTROL, Arm.NONE, Why.FALLBACK)


RETIRED = replace(SCANNING, legacy_retired=True)
CHOSEN = {
    "scanning": (TREATMENT, Why.OVERRIDE),
    "a-third-one": ("a-third-one", Why.OVERRIDE),
    "legacy": (TREATMENT, Why.RETIRED_OVERRIDE),
}


def test_while_legacy_is_retired_everything_goes_to_scanning_as_its_mode_says() -> None:
    found = where(RETIRED)
    bucket = bucket_of("salt", TRAITS.digest)
    assert found == Decision(TREATMENT, Arm.TREATMENT, bucket, 1.0, Why.MODE_SCANNING)


def test_while_legacy_is_retired_an_open_breaker_keeps_nothing_from_scanning() -> None:
    found = where(RETIRED, may_treat=False)
    assert (found.strategy, found.arm, found.why) == (
        TREATMENT,
        Arm.TREATMENT,
        Why.RETIRED_BREAKER_OPEN,
    )


def test_while_legacy_is_retired_the_breaker_is_asked_so_that_it_can_close_again() -> None:
    asked: list[int] = []

    def ask() -> bool:
        asked.append(1)
        return True

    decide(RETIRED, TRAITS, is_watched=True, may_treat=ask)
    assert asked == [1]


def test_while_legacy_is_retired_the_guard_keeps_nothing_from_scanning() -> None:
    found = where(replace(RETIRED, guarded=True), is_watched=False)
    assert (found.strategy, found.why) == (TREATMENT, Why.MODE_SCANNING)


@pytest.mark.parametrize("override", ["", TREATMENT, "a-third-one"])
def test_what_failed_before_legacy_was_retired_is_tried_on_scanning(override: str) -> None:
    failed_on = override or TREATMENT
    found = where(RETIRED, replace(TRAITS, override=override, has_failed_on=failed_on))
    arm = Arm.NONE if override else Arm.TREATMENT
    assert (found.strategy, found.arm, found.why) == (TREATMENT, arm, Why.RETIRED_AFTER_FAILURE)


@pytest.mark.parametrize("override", CHOSEN)
def test_a_person_may_choose_anything_but_retired_legacy(override: str) -> None:
    found = where(RETIRED, replace(TRAITS, override=override))
    assert (found.strategy, found.why) == CHOSEN[override]
    assert (found.arm, found.share) == (Arm.NONE, 0.0)


def test_nothing_goes_to_retired_legacy() -> None:
    yes_no = (True, False)
    overrides = ("", TREATMENT, CONTROL)
    for watched, may, override, failed_on in product(yes_no, yes_no, overrides, overrides):
        traits = replace(TRAITS, override=override, has_failed_on=failed_on)
        found = where(replace(RETIRED, guarded=True), traits, is_watched=watched, may_treat=may)
        assert found.strategy == TREATMENT


def test_the_breaker_is_asked_only_when_its_answer_matters() -> None:
    def never() -> bool:
        raise AssertionError("asked")

    for policy, traits in (
        (replace(POLICY, mode=Mode.LEGACY), TRAITS),
        (POLICY, replace(TRAITS, digest=OUT)),
        (SCANNING, replace(TRAITS, has_failed_on=TREATMENT)),
        (SCANNING, replace(TRAITS, override=TREATMENT)),
        (RETIRED, replace(TRAITS, has_failed_on=TREATMENT)),
        (RETIRED, replace(TRAITS, override=CONTROL)),
    ):
        decide(policy, traits, is_watched=True, may_treat=never)
    decide(replace(SCANNING, guarded=True), TRAITS, is_watched=False, may_treat=never)


@given(
    st.sampled_from([Mode.LEGACY, Mode.COMPARISON]),
    st.floats(0, 1),
    st.booleans(),
    st.sampled_from(DIGESTS[:200]),
    st.sampled_from(["", TREATMENT, CONTROL]),
)
def test_nothing_goes_to_the_treatment_against_a_rollback(
    mode: Mode, share: float, watched: bool, digest: str, override: str
) -> None:
    # what may be published while a rollback stands
    policy = replace(POLICY, mode=mode, treatment_share=0.0, shadow_share=share, stands_back=True)
    traits = Traits(digest, is_supported=True, override=override)
    assert where(policy, traits, is_watched=watched).strategy == CONTROL


def test_every_decision_goes_to_the_strategy_of_its_arm_or_says_why_not() -> None:
    exceptions = {Why.BREAKER_OPEN, Why.FALLBACK}
    yes_no = (True, False)
    for mode, watched, may, guarded in product(Mode, yes_no, yes_no, yes_no):
        found = where(
            replace(POLICY, mode=mode, guarded=guarded), is_watched=watched, may_treat=may
        )
        strategy = TREATMENT if found.arm is Arm.TREATMENT else CONTROL
        assert found.strategy == strategy or found.why in exceptions
