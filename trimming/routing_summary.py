"""What the page about routing shows: what is in force, what ran lately, and what was before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.paginator import Page, Paginator
from django.db.models import Count

from trimming.blame import kind_of
from trimming.breaker import breaker_limits
from trimming.breaker_rules import Limits
from trimming.choices import Blame, OutcomeKind, RunOutcome
from trimming.models import Breaker, RoutingPolicy, TrimRun
from trimming.policy import is_watched, newest_policy
from trimming.routing import TREATMENT
from trimming.routing_choices import Arm, Origin
from trimming.routing_words import BreakerWords, breaker_words, policy_sentences

LATELY: Final = timedelta(hours=24)
PAGE_SIZE: Final = 20
# the columns, in this order
KINDS: Final = tuple(OutcomeKind)


@dataclass(frozen=True, slots=True)
class ArmRow:
    """How the runs of one arm on one strategy ended; ``counts`` are in the order of KINDS."""

    arm: Arm
    strategy: str
    counts: tuple[int, ...]

    @property
    def cells(self) -> list[tuple[OutcomeKind, int]]:
        """Each kind with how many there are."""
        return list(zip(KINDS, self.counts, strict=True))

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force now, with its words."""

    policy: RoutingPolicy
    sentences: list[str]
    is_watched: bool
    breaker: Breaker
    breaker_words: BreakerWords
    limits: Limits
    # the one that stands
    rollback: RoutingPolicy | None


def in_force(now: datetime) -> InForce:
    """Return what is in force, in three queries; in four at most while a rollback stands."""
    policy, watched = newest_policy(), is_watched()
    breaker = Breaker.objects.filter(pk=TREATMENT).first() or Breaker(strategy=TREATMENT)
    limits = breaker_limits()
    return InForce(
        policy=policy,
        sentences=policy_sentences(policy, is_watched=watched, state=breaker.state),
        is_watched=watched,
        breaker=breaker,
        breaker_words=breaker_words(breaker, limits, now, legacy_retired=policy.legacy_retired),
        limits=limits,
        rollback=_standing_rollback(policy),
    )


def _standing_rollback(policy: RoutingPolicy) -> RoutingPolicy | None:
    if not policy.stands_back or policy.origin == Origin.ROLLBACK:
        return policy if policy.stands_back else None
    return RoutingPolicy.objects.filter(origin=Origin.ROLLBACK).order_by("-version").first()


def runs_lately(now: datetime) -> list[ArmRow]:
    """Return how the runs that began lately ended, in one query."""
    counted = (
        TrimRun.objects.filter(started_at__gte=now - LATELY)
        .order_by()
        .values_list("arm", "strategy", "outcome", "blame")
        .annotate(Count("pk"))
    )
    return arm_rows(
        {(arm, strategy, outcome, blame): n for arm, strategy, outcome, blame, n in counted}
    )


def arm_rows(counted: Mapping[tuple[str, str, str, str], int]) -> list[ArmRow]:
    """Sum runs by arm, strategy, outcome and blame; the arms in their order."""
    sums: dict[tuple[str, str], Counter[OutcomeKind]] = {}
    for (arm, strategy, outcome, blame), n in counted.items():
        kind = kind_of(RunOutcome(outcome), Blame(blame) if blame else None)
        sums.setdefault((arm, strategy), Counter())[kind] += n
    order = list(Arm.values)
    return [
        ArmRow(Arm(arm), strategy, tuple(sums[arm, strategy][kind] for kind in KINDS))
        for arm, strategy in sorted(sums, key=lambda each: (order.index(each[0]), each[1]))
    ]


def history(number: str | int) -> Page[RoutingPolicy]:
    """Return a page of all policies, newest first; the nearest one when there is none such."""
    return Paginator(RoutingPolicy.objects.order_by("-version"), PAGE_SIZE).get_page(number)
