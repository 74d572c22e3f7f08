"""The rules that are built in: health, samples, workers, breaker, queue, disk, and alerts' own.

Each sentence says the value with its unit and the limit; docs/runbook.md says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.alerts.inbox import Rule, Unknown, inbox
from monitoring.alerts.message import Severity
from monitoring.alerts.models import Notification, NotificationState
from monitoring.alerts.values import Condition, labels_of
from monitoring.choices import Dimension, Verdict
from monitoring.conf import health_settings
from monitoring.heartbeats import pulse_now, silent_machines
from monitoring.models import HealthReport, MetricSample
from monitoring.pulse import Pulse
from monitoring.standing import is_too_old
from trimming import quantities
from trimming.blame import of_kinds
from trimming.choices import OutcomeKind
from trimming.models import Breaker, TrimRun
from trimming.routing_choices import BreakerState

LOG: Final = gettext_lazy("Look at the page Health: it shows what the verdict rests on.")
HEALTH: Final[Mapping[Dimension, Rule]] = {
    Dimension.STRATEGY_SELECTION: Rule(
        "health_strategy_selection",
        gettext_lazy("Strategy selection is not as it should be"),
        (LOG, gettext_lazy("Look at the page Routing: share, fallbacks and breakers.")),
    ),
    Dimension.PERFORMANCE: Rule(
        "health_performance",
        gettext_lazy("Trimming is slower than it should be"),
        (LOG, gettext_lazy("Compare both strategies on the page Trends.")),
    ),
    Dimension.ERROR_RATE: Rule(
        "health_error_rate",
        gettext_lazy("Too many runs fail"),
        (LOG, gettext_lazy("Open failed captures; roll back when only scanning fails.")),
    ),
    Dimension.RESOURCES: Rule(
        "health_resources",
        gettext_lazy("The machine is short of something"),
        (LOG, gettext_lazy("Find what uses it on the page Trends; move or stop other work.")),
    ),
    Dimension.BUSINESS: Rule(
        "health_business",
        gettext_lazy("Results are not what was promised"),
        (
            gettext_lazy("With a leak: roll back, and look at the suspects."),
            LOG,
        ),
    ),
}
SEVERITIES: Final[Mapping[Verdict, Severity]] = {
    Verdict.WARN: Severity.MEDIUM,
    Verdict.FAIL: Severity.HIGH,
}
# what masks wrongly or fails widely cannot wait for a repetition
CRITICAL_FAILURES: Final = (Dimension.ERROR_RATE, Dimension.BUSINESS)

SAMPLES_STALE: Final = Rule(
    "samples_stale",
    gettext_lazy("Nothing is measured"),
    (
        gettext_lazy("See whether the monitor runs, and what its log says."),
        gettext_lazy("Health says nothing until samples come again."),
    ),
    # a monitor that is back takes a moment for the first sample
    hold_seconds=15,
    mutes=tuple(rule.name for rule in HEALTH.values()),
)
WORKERS_STOPPED: Final = Rule(
    "workers_stopped",
    gettext_lazy("The workers do not answer"),
    (
        gettext_lazy("They are started again by themselves; waiting jobs are kept."),
        gettext_lazy("Look for part_started_again in the log of the service."),
    ),
    hold_seconds=60,
    mutes=("queue_age",),
)
MACHINE_SILENT: Final = Rule(
    "machine_silent",
    gettext_lazy("The workers of one machine do not answer"),
    (
        gettext_lazy("See whether that machine runs, and start the service on it."),
        gettext_lazy("Its jobs are done by others; it is forgotten after an hour."),
    ),
    hold_seconds=60,
)
BREAKER_OPEN: Final = Rule(
    "breaker_open",
    gettext_lazy("A strategy is given no work"),
    (gettext_lazy("Look at its newest failures on the page Routing."),),
)
ODD_CAPTURES: Final = Rule(
    "odd_captures",
    gettext_lazy("Many captures are refused, whoever makes the output"),
    (
        gettext_lazy("Look whose captures they are: somebody may make them on purpose."),
        gettext_lazy("When many people have them, verification or both strategies are wrong."),
    ),
)
# so many captures within so long are no chance
MANY_ODD: Final = 10
ODD_WITHIN: Final = timedelta(hours=1)
QUEUE_AGE: Final = Rule(
    "queue_age",
    gettext_lazy("Captures wait too long"),
    (
        gettext_lazy("See whether workers are busy with large captures, or stopped."),
        gettext_lazy("More workers: PKTMASK_WORKERS."),
    ),
    hold_seconds=60,
)
DISK: Final = Rule(
    "disk",
    gettext_lazy("The disk is filling up"),
    (
        gettext_lazy("Keep originals for a shorter time, or add space."),
        gettext_lazy("The page Trends forecasts when it is full."),
    ),
    hold_seconds=60,
)
DEAD_LETTERS: Final = Rule(
    "dead_letters",
    gettext_lazy("Messages could not be delivered"),
    (
        gettext_lazy("Correct the settings of the channel and try it: manage.py test_channels."),
        gettext_lazy("Send them again, or put them aside, on the page Alerts."),
    ),
)
CHANNEL_FAILING: Final = Rule(
    "channel_failing",
    gettext_lazy("A channel does not take messages"),
    (
        gettext_lazy("Try it: manage.py test_channels."),
        gettext_lazy("Messages are kept and sent when it works again."),
    ),
)
# dead letters are told of for so long, unless somebody takes care of them
DEAD_LETTER_AGE: Final = timedelta(hours=24)


def health(now: datetime) -> Iterator[Condition | Unknown]:
    """Give the dimensions that warn or fail in the newest health report."""
    report = HealthReport.objects.first()
    if report is None or is_too_old(report.at, now):
        yield Unknown(*(rule.name for rule in HEALTH.values()))
        return
    for found in report.dimensions:
        dimension = Dimension(found["dimension"])
        verdict = Verdict(found["verdict"])
        if verdict is Verdict.UNKNOWN:
            yield Unknown(HEALTH[dimension].name)
        severity = SEVERITIES.get(verdict)
        if severity is None:
            continue
        if verdict is Verdict.FAIL and dimension in CRITICAL_FAILURES:
            severity = Severity.CRITICAL
        yield HEALTH[dimension].holds(severity, found["sentence"], report_id=report.pk)


def samples(now: datetime) -> Iterator[Condition]:
    """Say that there is no sample, or none that is fresh."""
    newest = MetricSample.objects.order_by("-at").values_list("at", flat=True).first()
    limit = health_settings().stale_seconds
    # a service that was never measured has just been installed
    if newest is None or (now - newest).total_seconds() <= limit:
        return
    seconds = (now - newest).total_seconds()
    said = _("The newest sample is %(age)s old; nothing is known after %(limit)s.")
    names = {"age": quantities.duration(seconds), "limit": quantities.duration(limit)}
    yield SAMPLES_STALE.holds(
        Severity.HIGH, said % names, value=round(seconds, 1), limit=limit, unit="s"
    )


def workers(now: datetime) -> Iterator[Condition | Unknown]:
    """Say that workers owe a sign of life."""
    pulse = pulse_now(now)
    if pulse is Pulse.UNKNOWN:
        yield Unknown(WORKERS_STOPPED.name)
    elif pulse is Pulse.STOPPED:
        yield WORKERS_STOPPED.holds(
            Severity.HIGH, _("They owe a sign of life for longer than they are given time.")
        )


def machines(now: datetime) -> Iterator[Condition]:
    """Give the machines whose workers owe a sign of life while those of others work."""
    for name in silent_machines(now):
        said = _("The workers of %(machine)s owe a sign of life; those of other machines work.")
        yield MACHINE_SILENT.holds(
            Severity.MEDIUM, said % {"machine": name}, labels=labels_of(machine=name)
        )


def breakers(now: datetime) -> Iterator[Condition]:
    """Give the strategies whose breaker is not closed."""
    for breaker in Breaker.objects.exclude(state=BreakerState.CLOSED):
        said = _("The breaker of %(strategy)s is %(state)s; legacy serves meanwhile.")
        names = {"strategy": breaker.strategy, "state": breaker.get_state_display().lower()}
        yield BREAKER_OPEN.holds(
            Severity.HIGH, said % names, labels=labels_of(strategy=breaker.strategy)
        )


def odd_captures(now: datetime) -> Iterator[Condition]:
    """Say that verification refused many captures whatever strategy made the output.

    Health leaves them out: nobody who makes such captures may hold a rollout.
    """
    since = now - ODD_WITHIN
    odd = of_kinds(OutcomeKind.ODD_CAPTURE)
    found = TrimRun.objects.filter(odd, finished_at__gte=since, finished_at__lte=now)
    count = found.aggregate(n=Count("job__capture__sha256", distinct=True))["n"]
    if count < MANY_ODD:
        return
    said = _("%(count)s captures were refused within an hour; from %(limit)s on somebody is told.")
    yield ODD_CAPTURES.holds(
        Severity.MEDIUM,
        said % {"count": f"{count:,}", "limit": MANY_ODD},
        value=count,
        limit=MANY_ODD,
        metric="odd_captures",
    )


def machine(now: datetime) -> Iterator[Condition | Unknown]:
    """Give what the newest sample says of queue and disk."""
    limits = health_settings()
    fresh = now - timedelta(seconds=limits.stale_seconds)
    row = MetricSample.objects.filter(at__gte=fresh).order_by("-at").first()
    values: Mapping[str, Any] = {} if row is None else row.values
    age, disk = values.get("oldest_waiting_seconds"), values.get("disk_percent")
    if age is None:
        yield Unknown(QUEUE_AGE.name)
    else:
        yield from _two_levels(
            QUEUE_AGE,
            _("The oldest capture waits for %(value)s; the limit is %(limit)s."),
            age,
            (limits.queue_age_seconds_warn, limits.queue_age_seconds_fail),
            "s",
            "oldest_waiting_seconds",
        )
    if disk is None:
        yield Unknown(DISK.name)
    else:
        yield from _two_levels(
            DISK,
            _("%(value)s of the disk are in use; the limit is %(limit)s."),
            disk,
            (limits.disk_percent_warn, limits.disk_percent_fail),
            "%",
            "disk_percent",
        )


def _two_levels(
    rule: Rule, said: str, value: float, levels: tuple[float, float], unit: str, metric: str
) -> Iterator[Condition]:
    warn, fail = levels
    if value < warn:
        return
    limit, severity = (fail, Severity.HIGH) if value >= fail else (warn, Severity.MEDIUM)
    shown = quantities.duration if unit == "s" else quantities_of_percent
    yield rule.holds(
        severity,
        said % {"value": shown(value), "limit": shown(limit)},
        value=value,
        limit=limit,
        unit=unit,
        metric=metric,
    )


def quantities_of_percent(value: float) -> str:
    """Return a number of percent."""
    return f"{value:.3g} %"


def deliveries(now: datetime) -> Iterator[Condition]:
    """Give channels with dead letters, and channels that do not take messages at present."""
    from monitoring.alerts.conf import alert_settings

    dead = Notification.objects.filter(
        state=NotificationState.DEAD, why="", ended_at__gt=now - DEAD_LETTER_AGE
    )
    for channel, count in dead.order_by("channel").values_list("channel").annotate(Count("pk")):
        said = ngettext(
            "%(count)s message for %(channel)s was given up within 24 h; none should be.",
            "%(count)s messages for %(channel)s were given up within 24 h; none should be.",
            count,
        )
        yield DEAD_LETTERS.holds(
            Severity.HIGH,
            said % {"count": f"{count:,}", "channel": channel},
            labels=labels_of(channel=channel),
            value=count,
            limit=0,
        )
    limit = alert_settings().failing_attempts
    pending = Notification.objects.filter(state=NotificationState.PENDING, attempts__gt=0)
    rows = pending.order_by("channel").values_list("channel")
    totals = rows.annotate(Count("pk"), total=Sum("attempts"), since=Min("at"))
    for channel, count, attempts, since in totals.filter(total__gte=limit):
        said = ngettext(
            "%(count)s message waits since %(since)s UTC, after %(attempts)s attempts; "
            "failing from %(limit)s on.",
            "%(count)s messages wait since %(since)s UTC, after %(attempts)s attempts; "
            "failing from %(limit)s on.",
            count,
        )
        names = {"count": f"{count:,}", "since": f"{since:%H:%M}", "limit": limit}
        yield CHANNEL_FAILING.holds(
            Severity.HIGH,
            said % {**names, "attempts": f"{attempts:,}"},
            title=_("The channel %(name)s does not take messages") % {"name": channel},
            labels=labels_of(channel=channel),
            value=attempts,
            limit=limit,
        )


inbox.register("health", health, *HEALTH.values())
inbox.register("samples", samples, SAMPLES_STALE)
inbox.register("workers", workers, WORKERS_STOPPED)
inbox.register("machines", machines, MACHINE_SILENT)
inbox.register("breakers", breakers, BREAKER_OPEN)
inbox.register("odd_captures", odd_captures, ODD_CAPTURES)
inbox.register("machine", machine, QUEUE_AGE, DISK)
inbox.register("deliveries", deliveries, DEAD_LETTERS, CHANNEL_FAILING)
