"""What the page of a rollout's limits shows: proposals with their back-tests, versions, drills."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _

from config.sections import number
from migration.choices import Move
from migration.conf import rollout_limits
from migration.models import BackTest, LimitsVersion, RollbackDrill, Rollout

VERSIONS: Final = 20
DRILLS: Final = 10
HOLD: Final = "hold"


class Difference(NamedTuple):
    """A limit as it is in force, and as it is proposed."""

    key: str
    before: str
    after: str


class First(NamedTuple):
    """The first look of a kind at which the proposed limits would have said something else."""

    at: datetime
    before: str
    after: str
    rule: str


class Proposal(NamedTuple):
    """A change that is not in force.  ``result`` is its back-test; None before it is made."""

    version: LimitsVersion
    differences: list[Difference]
    result: Mapping[str, Any] | None
    first: list[First]
    why_not: str

    @property
    def problem(self) -> str:
        """Why it could not be back-tested; empty where it was."""
        return str((self.result or {}).get("problem", ""))


class Shown(NamedTuple):
    """All of it.  ``waiting`` counts the proposals whose back-test is being made."""

    proposals: list[Proposal]
    versions: list[LimitsVersion]
    drills: list[RollbackDrill]

    @property
    def waiting(self) -> int:
        """How many back-tests are being made."""
        return sum(each.result is None for each in self.proposals)


def shown(rollout: Rollout, user: AbstractBaseUser | AnonymousUser) -> Shown:
    """Return what the page shows; as many queries whatever there is."""
    from migration.limits_changes import why_not_approved

    rows = rollout.limit_versions.select_related("approved", "back_test", "rollout")
    versions = list(rows.order_by("-number")[:VERSIONS])
    newest = next((each for each in versions if hasattr(each, "approved")), None)
    open_ones = [each for each in versions if newest is None or each.number > newest.number]
    present = rollout.limits().model_dump()

    def proposal(version: LimitsVersion) -> Proposal:
        proposed = {**rollout_limits().model_dump(), **version.values}
        tested: BackTest | None = getattr(version, "back_test", None)
        result = None if tested is None else tested.result
        return Proposal(
            version,
            differences(present, proposed),
            result,
            first_of(result or {}),
            why_not_approved(version, user),
        )

    return Shown(
        [proposal(version) for version in open_ones],
        [each for each in versions if hasattr(each, "approved")],
        list(RollbackDrill.objects.filter(attempt__rollout=rollout)[:DRILLS]),
    )


def differences(present: Mapping[str, Any], proposed: Mapping[str, Any]) -> list[Difference]:
    """Return the limits that would change."""
    return [
        Difference(key, number(value) or _("empty"), number(proposed[key]) or _("empty"))
        for key, value in present.items()
        if key in proposed and proposed[key] != value
    ]


def first_of(result: Mapping[str, Any]) -> list[First]:
    """Return the first look of each kind that would have come out otherwise, the oldest first."""
    found = []
    for kinds, look in result.get("first", {}).items():
        before, _arrow, after = kinds.partition(" -> ")
        at = datetime.fromisoformat(look["at"])
        found.append(First(at, _word(before), _word(after), look["rule"]))
    return sorted(found)


def _word(move: str) -> str:
    return _("it holds") if move == HOLD else str(Move(move).label)
