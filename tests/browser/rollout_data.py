"""Two rollouts for pages to be looked at: one that went back, and one that waits for an approval.

Run by ``manage.py shell`` on the data of a console; times are those of now.
"""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from config.roles import APPROVER, OPERATOR, VIEWER
from migration import drills, limits_changes, operations
from migration.choices import Move, PhaseName, SuspectState
from migration.models import Rollout, Suspect
from migration.suspects import list_suspects
from tests.factories import make_user
from tests.migration import traffic
from tests.migration.traffic import Service
from trimming.models import Download
from trimming.profiles import mirror_built_in_profiles
from trimming.routing import TREATMENT


def make(password: str) -> None:
    """Make people named by their role, and both rollouts."""
    mirror_built_in_profiles()
    for role in (VIEWER, OPERATOR, APPROVER):
        user = User.objects.create_user(role, password=password)
        user.groups.add(Group.objects.get(name=role))
    _rolled_back()
    _awaiting()


def _service(ago: timedelta) -> None:
    """Let the next rollout be of a service whose clock is so far behind."""
    owner, now = make_user(), timezone.now() - ago
    traffic.Service = lambda: Service(now=now, owner=owner)  # type: ignore[misc,assignment]  # for in_phase


def _rolled_back() -> None:
    _service(timedelta(hours=5))
    service, rollout = traffic.in_phase(PhaseName.GRADUAL)
    service.pass_time(20)
    runs = service.serve_on(TREATMENT, 6)
    traffic.move(service, rollout, Move.ROLL_BACK, rule="leak")
    list_suspects()
    for run in runs[:2]:
        Download.objects.create(run=run, user=service.owner, at=service.now)
    states = (SuspectState.DIFFERENT, SuspectState.NO_ORIGINAL, SuspectState.NOT_RERUN)
    for suspect, state in zip(Suspect.objects.order_by("pk"), states, strict=False):
        differing = 1284 if state is SuspectState.DIFFERENT else None
        Suspect.objects.filter(pk=suspect.pk).update(
            state=state, differing_bytes=differing, first_difference=differing and 40_961
        )


def _awaiting() -> None:
    _service(timedelta(minutes=5))
    service, rollout = traffic.in_gate(approve="full_migration")
    drills.hold_drill(rollout, None, "a rehearsal", service.now)
    operator = User.objects.get(username=OPERATOR)
    operations.promote(rollout, operator, "reviewed with the night watch", service.now)
    now = timezone.now()
    for changes in ({"least_health": 0.85}, {"step_runs": 50}):
        limits_changes.propose(rollout, changes, operator, "a calm week", now)
        if "least_health" in changes:
            limits_changes.back_test_waiting(now)
    service.now = now
    service.sample()
    service.report()
    Rollout.objects.filter(pk=rollout.pk).update(name="scanning 2026")
