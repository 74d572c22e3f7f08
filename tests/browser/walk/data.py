"""What is on the pages of the walk: two months of a busy service, made where it is looked at.

Run by ``manage.py shell`` on a console that has trimmed some captures.  Times are
those of now.
"""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from config.asked import PLACE
from config.choices import VersionKind
from config.layers import Given
from config.roles import APPROVER, OPERATOR, VIEWER
from config.versions import newest_version, publish
from migration.models import Approval, Rollout
from monitoring.alerts.acts import acknowledge, alerts_of, silence
from monitoring.alerts.built_in import BREAKER_OPEN, DISK, HEALTH, QUEUE_AGE
from monitoring.alerts.links import token_of
from monitoring.alerts.message import Severity
from monitoring.alerts.models import (
    Alert,
    AlertClock,
    AlertRule,
    Notification,
    NotificationState,
)
from monitoring.alerts.values import AlertState, Condition, labels_of
from monitoring.choices import Dimension, Verdict
from monitoring.health.check import check_now
from monitoring.heartbeats import MONITOR, WORKERS, beat
from monitoring.models import HealthReport, MetricRollup, MetricSample
from monitoring.reports.choices import ReportKind
from monitoring.reports.making import make as make_report_of
from monitoring.reports.models import Report
from monitoring.reports.periods import starting
from pktmask_site.api.choices import Scope
from pktmask_site.api.tokens import issue
from pktmask_site.recovery.running import run_all
from pktmask_site.recovery.upkeep import tasks
from pktmask_site.second_factor import pending
from tests.browser.rollout_data import make as make_rollouts
from tests.browser.walk.table import ADMIN, HAS_CODE, NEEDS_CODE
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.measured import (
    histograms_at,
    make_report,
    make_rollups,
    make_samples,
    values_at,
)
from tests.monitoring.reports.month import make_alerts, make_checks, make_work
from tests.trimming.ab_test.rows import comparison, row
from tests.trimming.views.test_offline_tests import kept
from trimming.choices import JobState
from trimming.models import Capture, OfflineTest, Profile, TrimJob

BEAT_SECONDS: Final = 5
DAY: Final = timedelta(days=1)
SITES: Final = ("edge-fra2", "edge-mad1", "pop-osl4", "backbone-lhr", "branch-waw")
NOW: Final = {
    "disk_percent": 91.0,
    "oldest_waiting_seconds": 192.0,
    "breakers_open": 0,
    "workers_answer": 1,
    "worker_rss_bytes": 412e6,
    "masked_bytes:control": 2_100_000,
}
CHANGES: Final = (
    ("trimming", "keep_originals_days", 5, "Originals of the night fill the disk."),
    ("health", "queue_age_seconds_warn", 180.0, "More patience for the queue at noon."),
    ("trimming", "max_attempts", 4, "A worker died twice on the same machine."),
)


def make(password: str) -> str:
    """Make everything; return as JSON the value of each argument, and a session of everybody."""
    # what the service found of itself while it trimmed depends on the machine
    for model in (Alert, HealthReport, MetricSample):
        model.objects.all().delete()
    make_rollouts(password)
    measures()
    _name_captures()
    _work(timezone.now())
    _alerts(timezone.now())
    _configure()
    keep_up()
    sessions = _sessions(password)
    return json.dumps({"known": _known(), "sessions": sessions}, default=str)


def measures() -> None:
    """Make two months of values, and a day of health checks with a bad hour in it."""
    now = timezone.now()
    make_samples(now - timedelta(seconds=2), 720)
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=3)
    MetricRollup.objects.all().delete()
    make_rollups(minute, 2 * 1440 - 5, 60)
    make_rollups(minute.replace(minute=minute.minute - minute.minute % 5), 2 * 288, 300)
    make_rollups(minute.replace(minute=0) - timedelta(hours=1), 60 * 24, 3600)
    make_rollups(minute.replace(hour=minute.hour - minute.hour % 4, minute=0), 60 * 6, 4 * 3600)
    make_rollups(minute.replace(hour=0, minute=0), 30, 86400)
    for number in range(240):
        bad = 100 < number < 120
        verdict = Verdict.FAIL if 108 < number < 112 else Verdict.WARN if bad else Verdict.OK
        make_report(now - timedelta(minutes=6 * number + 1), verdict, 0.7 if bad else 0.97)
    make_report(now, Verdict.WARN, 0.79)


def _configure() -> None:
    """Publish versions, each with a change more."""
    admin = User.objects.get(username=ADMIN)
    layer: dict[str, dict[str, Given]] = {}
    for number, (section, key, value, reason) in enumerate(CHANGES, 2):
        place = PLACE % {"number": number, "typed_name": ADMIN}
        layer.setdefault(section, {})[key] = Given(value, place)
        publish(
            newest_version(), kind=VersionKind.CONSOLE, reason=reason, console=layer, actor=admin
        )


def _name_captures() -> None:
    draw = random.Random(3)
    rows = list(Capture.objects.filter(name="edge.pcap"))
    for each in rows:
        each.name = f"{draw.choice(SITES)}-{draw.randrange(10**4):04}.pcap"
        each.size_bytes = round(draw.lognormvariate(15, 1.4))
        each.current_job = each.jobs.latest("pk")
    Capture.objects.bulk_update(rows, ["name", "size_bytes", "current_job"])


def _work(now: datetime) -> None:
    """Make reports, offline tests, tokens and runs of upkeep."""
    zone = ZoneInfo("UTC")
    day, month = now.date() - DAY, (now.replace(day=1) - DAY).date().replace(day=1)
    begin = datetime.combine(month, datetime.min.time(), UTC)
    make_work(begin, begin + 28 * DAY)
    TrimJob.objects.filter(state=JobState.WAITING).update(state=JobState.DONE)
    make_checks(begin, begin + 28 * DAY, timedelta(hours=2), begin + 4 * DAY)
    make_alerts(begin, begin + 28 * DAY)
    week = day - timedelta(days=day.weekday() + 7)
    for kind, first in (
        *((ReportKind.DAY, day - number * DAY) for number in range(12)),
        (ReportKind.WEEK, week),
        (ReportKind.MONTH, month),
    ):
        make_report_of(starting(kind, first, zone), now)
    leaking: dict[str, Any] = {"compared": comparison(leaked=7), "reason": "7 bytes leaked"}
    for name, rows in (
        ("scanning 1.0, nightly captures", [row(each) for each in range(1, 35)]),
        ("scanning 1.1, with a leak", [row(1), row(2, outcome="mismatched", **leaking)]),
    ):
        kept(*rows, name=name)
    admin = User.objects.get(username=ADMIN)
    for name, days in (("nightly upload", 90), ("status board", 5)):
        issue(admin, name, tuple(Scope), days * DAY, now)
    run_all([each for each in tasks.all() if each.name in UPKEEP], is_dry=False)
    _note_changes(admin)
    run_all([each for each in tasks.all() if each.name == "sessions"], is_dry=True)


UPKEEP: Final = ("audit_log", "sessions", "database", "backup")


def _note_changes(admin: User) -> None:
    """Let a profile have a history in the administration."""
    profile = Profile.objects.order_by("pk")[0]
    for what in ("Added.", "Changed Description."):
        LogEntry.objects.log_actions(admin.pk, [profile], CHANGE, what, single_object=True)


def _alerts(now: datetime) -> None:
    """Let some alerts fire and others be over; people have acted, and messages went out."""
    open_ones = (
        DISK.holds(Severity.HIGH, _percent("The disk", 91, 90), value=91, limit=90, unit="%"),
        QUEUE_AGE.holds(
            Severity.MEDIUM,
            "The oldest capture waits for 3 min 12 s, the limit is 2 min.",
            value=192,
            limit=120,
            unit="s",
        ),
        BREAKER_OPEN.holds(
            Severity.HIGH,
            "The breaker of scanning is open; legacy serves meanwhile.",
            labels=labels_of(strategy="scanning"),
        ),
        HEALTH[Dimension.BUSINESS].holds(
            Severity.CRITICAL, "1 output leaked 7 bytes; none may leak."
        ),
    )
    with only_channels(log=FakeChannel(), email=FakeChannel(), slack=FakeChannel()):
        for days in range(28, 0, -2):
            began = now - days * DAY
            over = HEALTH[Dimension.RESOURCES if days % 4 else Dimension.PERFORMANCE].holds(
                Severity.MEDIUM, _percent("CPU", 70 + days, 70), value=70 + days, limit=70, unit="%"
            )
            _hold(began, 180, over)
            _hold(began + timedelta(minutes=21), 700)
        # of two nights before, so that its steps tell a whole night
        _hold(now - timedelta(minutes=47), 900, open_ones[0])
        _hold(now - timedelta(minutes=20), 1200, *open_ones)
    for alert, note in zip(
        Alert.objects.filter(state=AlertState.FIRING, rule="queue_age"), ("I look.",), strict=False
    ):
        acknowledge([alert.pk], OPERATOR, now, note)
    silence("rule=disk, machine=edge", OPERATOR, "The disk is moved.", now, now + DAY / 8, now)
    silence("rule=queue_age", ADMIN, "Backups at night.", now + DAY / 4, now + DAY / 2, now)
    for name, metric, limit, mode in (
        ("Busy machine", "cpu_percent", 64, "on"),
        ("Long queue", "jobs_waiting", 40, "dry"),
    ):
        AlertRule.objects.create(
            name=name,
            metric=metric,
            comparison="above",
            threshold=limit,
            severity="medium",
            action="See what runs on it, and move it.",
            mode=mode,
            back_test_count=3,
            back_test_days=7,
            changed_at=now,
        )
    _deliver(now)


def _percent(what: str, value: float, limit: float) -> str:
    return f"{what} is at {value} %, the limit is {limit} %."


def _hold(began: datetime, seconds: int, *conditions: Condition) -> None:
    """Look each minute while conditions hold."""
    for after in range(0, seconds + 1, 60):
        look_at(began + timedelta(seconds=after), *conditions)


def _deliver(now: datetime) -> None:
    """Let messages have gone out, but for some of Slack."""
    rows = list(Notification.objects.all())
    for number, each in enumerate(rows):
        failed = each.channel == "slack" and number % 3 == 0
        each.state = NotificationState.DEAD if failed else NotificationState.SENT
        each.attempts = 4 if failed else 1
        each.ended_at = each.at + timedelta(seconds=340 if failed else 1)
        each.took_ms = 180.0
        each.answer = "Slack answered: channel_not_found." if failed else "Taken."
        each.error = each.answer if failed else ""
        each.error_at = each.ended_at if failed else None
    fields = ["state", "attempts", "ended_at", "took_ms", "answer", "error", "error_at"]
    Notification.objects.bulk_update(rows, fields)


def keep_up() -> None:
    """Measure and judge once, as the monitor would."""
    now = timezone.now()
    number = round(now.timestamp()) // BEAT_SECONDS % 900
    MetricSample.objects.create(
        at=now,
        covers_seconds=BEAT_SECONDS,
        late_ms=1.0,
        values={**values_at(number), **NOW},
        histograms=histograms_at(number),
    )
    beat(WORKERS)
    beat(MONITOR)
    # nobody stands in for the monitor, however late this comes on a busy machine
    AlertClock.objects.update(at=now + DAY)
    check_now(now)


def keep_on() -> None:
    """Do that as long as the pages are looked at; whoever has no code yet is given time."""
    while True:
        keep_up()
        for each in SessionStore.get_model_class().objects.all():
            session = SessionStore(each.session_key)
            if pending.KEY in session:
                session[pending.KEY] = {**session[pending.KEY], "at": int(time.time())}
                session.save()
        # a process of its own, which stands for the monitor: it has nothing else to wait for
        time.sleep(BEAT_SECONDS)


def _sessions(password: str) -> dict[str, str]:
    """Sign everybody in; some have not given a code yet."""
    made: dict[str, str] = {}
    for name in (ADMIN, VIEWER, OPERATOR, APPROVER):
        made[name] = session_of(name, password)
    for name in (HAS_CODE, NEEDS_CODE):
        user = User.objects.create_user(name, password=password)
        user.groups.add(Group.objects.get(name=OPERATOR))
        request = HttpRequest()
        request.session = SessionStore()
        pending.begin(request, user, "/")
        request.session.save()
        made[name] = request.session.session_key or ""
    return made


def session_of(name: str, password: str) -> str:
    """Sign somebody in; return the cookie."""
    client = Client(headers={"host": "127.0.0.1"})
    client.post("/sign-in/", {"username": name, "password": password})
    return client.cookies["sessionid"].value


def _known() -> dict[str, Any]:
    def newest(model: Any, **which: Any) -> Any:
        return model.objects.filter(**which).latest("pk").pk

    told = next(
        each
        for each in Notification.objects.filter(kind="firing")
        if any(alert.rule == "disk" for alert in alerts_of(each.pk))
    )
    done = Capture.objects.filter(current_job__state="done", original__gt="")
    return {
        "capture_id": done.order_by("-size_bytes")[0].pk,
        "no_capture": uuid4(),
        "test_id": newest(OfflineTest),
        "key": Alert.objects.get(rule="disk", state=AlertState.FIRING).pk,
        "token": token_of(told.pk),
        "wrong": "wrong",
        "email": "email",
        "alerts_manual": "alerts",
        "slack": "slack",
        "rule": newest(AlertRule),
        "check": HealthReport.objects.filter(verdict=Verdict.FAIL).latest("at").pk,
        "report": newest(Report, kind="month"),
        "rollout": newest(Rollout),
        "rolled_back": Rollout.objects.order_by("pk")[0].pk,
        "approval": newest(Approval),
        "profile": Profile.objects.order_by("pk")[0].pk,
        "version": newest_version().number,  # type: ignore[union-attr]  # it was published
    }
