"""What the strip on top of every page says: the workers first, and the health while they work.

Facts are plain values, as the live feed carries them; words are added where the language is known.
Workers that are gone, or of which nothing is known, outrank the newest verdict: nobody would judge
anew.  A verdict that is too old is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.languages.told import told
from monitoring.choices import VERDICT_LOOKS, Verdict
from monitoring.heartbeats import pulse_now
from monitoring.models import HealthReport
from monitoring.pulse import Pulse
from monitoring.standing import Standing, is_too_old, verdict_of
from trimming.choices import OPEN_STATES, JobState
from trimming.models import TrimJob

# what is said instead of the verdict of the health: verdict, word, sentence
INSTEAD: Final[Mapping[Pulse, tuple[Verdict, Any, Any]]] = {
    Pulse.STOPPED: (
        Verdict.FAIL,
        _("Workers stopped"),
        _("The workers do not answer. They are started again; waiting jobs are kept."),
    ),
    Pulse.UNKNOWN: (
        Verdict.UNKNOWN,
        _("Not known"),
        _("Nothing was heard of the workers for a while. Waiting jobs are kept."),
    ),
}


def newest_report() -> HealthReport | None:
    """Return the newest report, without its evidence."""
    return HealthReport.objects.defer("dimensions").first()


def facts_at(now: datetime, report: HealthReport | None) -> dict[str, Any]:
    """Return what is known at ``now``, in two queries; ``report`` is the newest one.

    While the workers owe a sign, a third query tells whether they are all busy.
    """
    jobs = _jobs(now)
    pulse = pulse_now(now, jobs["busy"])
    return {
        "pulse": pulse.value,
        **verdict_at(now, report),
        "running": jobs["running"],
        "waiting": jobs["waiting"],
    }


def verdict_at(now: datetime, report: HealthReport | None) -> dict[str, str]:
    """Return the verdict that holds at ``now``, with its reason as far as there is one."""
    if report is None or is_too_old(report.at, now):
        return {"verdict": Verdict.UNKNOWN.value, "sentence": ""}
    return {"verdict": verdict_of(report.verdict).value, "sentence": report.sentence}


def outranked(found: Standing, pulse: Pulse) -> Standing:
    """Return what the page that begins with the verdict says, by the same order as the strip.

    Where nothing is known of the health either, it says why.
    """
    if pulse not in INSTEAD or (pulse is Pulse.UNKNOWN and not found.is_known):
        return found
    verdict, word, sentence = INSTEAD[pulse]
    return replace(
        found, verdict=verdict, word=word, sentence=str(sentence), advice="", is_outranked=True
    )


def in_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the strip shows of ``facts``, in the language that is active now."""
    verdict = Verdict(facts["verdict"])
    verdict, word, sentence = INSTEAD.get(Pulse(facts["pulse"])) or (
        verdict,
        _("Not known") if verdict is Verdict.UNKNOWN else verdict.label,
        told(facts["sentence"]) or _("The health was not checked for a while."),
    )
    look = VERDICT_LOOKS[verdict]
    return {
        "tone": look.tone,
        "shape": look.shape,
        "word": str(word),
        "sentence": str(sentence),
        "running": facts["running"],
        "waiting": facts["waiting"],
    }


def _jobs(now: datetime) -> dict[str, int]:
    return TrimJob.objects.filter(state__in=OPEN_STATES).aggregate(
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        busy=Count("pk", filter=Q(state=JobState.RUNNING, lease_until__gte=Now())),
        waiting=Count("pk", filter=Q(state=JobState.WAITING)),
    )
