"""One of everything that has an address, owned by somebody else where it has an owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from config.choices import VersionKind
from config.layers import Given
from config.versions import newest_version, publish
from migration import limits_changes
from migration.models import Decision, Rollout, Suspect
from monitoring.alerts.links import token_of
from monitoring.alerts.models import Alert, AlertRule, Notification, Silence
from monitoring.choices import Verdict
from monitoring.models import HealthReport
from monitoring.reports.choices import ReportKind
from monitoring.reports.making import make_now
from tests.factories import make_job, make_user
from tests.migration.test_suspects import rolled_back
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition
from tests.monitoring.measured import make_report
from tests.pktmask_site.api.scripts import issued_to, row_of
from tests.trimming.results import finish
from tests.trimming.views.test_offline_tests import kept
from trimming.models import Capture


@dataclass(frozen=True)
class Place:
    """``known`` is what stands in addresses for each argument, by the name of the argument."""

    owner: User
    capture: Capture
    rollout: Rollout
    known: dict[str, Any]


def furnish() -> Place:
    """Make one of everything."""
    _service, rollout, _runs = rolled_back("leak", served=1)
    version = limits_changes.propose(rollout, {"ab_runs": 7}, None, "a test", timezone.now())
    owner = make_user()
    job = make_job(owner)
    finish(job)
    now = timezone.now()
    with only_channels(log=FakeChannel()):
        for seconds in (60, 20):
            look_at(now - timedelta(seconds=seconds), condition("disk", value=91.0, limit=80.0))
    silence = Silence.objects.create(
        matchers={"rule": "disk"},
        owner="anna",
        reason="x",
        begins=now,
        ends=now + timedelta(hours=1),
        made_at=now,
    )
    rule = AlertRule.objects.create(
        name="Busy",
        metric="cpu_percent",
        comparison="above",
        threshold=64,
        for_seconds=300,
        severity="medium",
        back_test_count=0,
        back_test_days=1,
        changed_at=now,
    )
    make_report(now, Verdict.OK)
    layer = {"trimming": {"keep_originals_days": Given(3, "the test")}}
    published = publish(newest_version(), kind=VersionKind.CONSOLE, reason="x", console=layer)
    notification = Notification.objects.order_by("pk").first()
    assert notification is not None
    known = {
        "capture_id": job.capture_id,
        "test_id": kept().pk,
        "key": Alert.objects.get().pk,
        "token": token_of(notification.pk),
        "channel": "log",
        "silence": silence.pk,
        "rule": rule.pk,
        "report": make_now(ReportKind.DAY, now, "anna").pk,
        "check": HealthReport.objects.latest("pk").pk,
        "rollout": rollout.pk,
        "decision": Decision.objects.latest("pk").pk,
        "limits": version.number,
        "suspect": Suspect.objects.latest("pk").pk,
        "version": published.number,
        "api_token": row_of(issued_to(owner)).pk,
    }
    return Place(owner, Capture.objects.get(pk=job.capture_id), rollout, known)
