"""Routing in words: what a policy does, how a breaker stands, why a job went where it went.  Pure.

Rows are read as plain values; nothing is asked of the database or of a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.languages.told import told
from trimming import quantities
from trimming.breaker_rules import GOOD_PROBES, Limits
from trimming.choices import OutcomeKind
from trimming.models import Breaker, RoutingPolicy, TrimJob, TrimRun
from trimming.routing import BUCKETS
from trimming.routing_choices import Arm, BreakerState, Mode, Why

Text = str | Promise

# what a mode does; %(share)s goes to scanning
MODES: Final[dict[Mode, Text]] = {
    Mode.LEGACY: gettext_lazy("Every capture goes to legacy."),
    Mode.SCANNING: gettext_lazy(
        "Every capture goes to scanning; legacy serves those on which it fails."
    ),
    Mode.AUTO: gettext_lazy(
        "A capture goes to scanning when scanning supports what it holds, else to legacy."
    ),
    Mode.AB_TEST: gettext_lazy(
        "%(share)s of the captures go to scanning, always the same ones; the others go to legacy."
    ),
    Mode.COMPARISON: gettext_lazy("Legacy serves every capture while both are compared."),
}
# modes in which some captures may go to scanning
GIVING: Final = (Mode.SCANNING, Mode.AUTO, Mode.AB_TEST)
# reasons that differ from what the mode alone would do: lists show them without being asked
NOTABLE: Final = frozenset(
    {
        Why.NO_POLICY,
        Why.AUTO_UNSUPPORTED,
        Why.UNWATCHED,
        Why.BREAKER_OPEN,
        Why.FALLBACK,
        Why.OVERRIDE,
        Why.OVERRIDE_REFUSED,
        Why.RETIRED_BREAKER_OPEN,
        Why.RETIRED_AFTER_FAILURE,
        Why.RETIRED_OVERRIDE,
        Why.ROLLED_BACK,
    }
)
# what a job falls back from, whosever fault it turns out to be
FELL_BACK: Final = frozenset(
    {OutcomeKind.STRATEGY_FAILURE, OutcomeKind.ODD_CAPTURE, OutcomeKind.UNDECIDED}
)
# instead of what a mode says, while legacy is retired
RETIRED: Final[Text] = gettext_lazy(
    "Every capture goes to scanning. Legacy is retired: what scanning fails on fails, until an"
    " emergency rollback brings legacy back."
)
BREAKER_LOOKS: Final[dict[BreakerState, tuple[str, str, Text]]] = {
    BreakerState.CLOSED: ("ok", "ok", gettext_lazy("Closed")),
    BreakerState.OPEN: ("fail", "fail", gettext_lazy("Open")),
    BreakerState.PROBING: ("warn", "hold", gettext_lazy("Probing")),
}


def share_text(share: float) -> str:
    """Return a share from 0 to 1 as people write it, to a hundredth of a percent: "2.5 %"."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def span_text(seconds: float) -> str:
    """Return a time span, whole minutes without seconds: "5 min"."""
    whole, rest = divmod(seconds, 60)
    return f"{whole:.0f} min" if whole and not rest else quantities.duration(seconds)


def policy_sentences(policy: RoutingPolicy, *, is_watched: bool, state: str) -> list[str]:
    """Say what a policy does with a capture that comes now; ``state`` is the breaker's."""
    if policy.mode not in Mode.values:
        return [_("The mode is not known to this version, so legacy serves every capture.")]
    mode = Mode(policy.mode)
    does = RETIRED if policy.legacy_retired else MODES[mode]
    said = [str(does) % {"share": share_text(policy.treatment_share)}]
    if policy.shadow_share:
        compared = _(
            "%(share)s of all captures are compared in the background; nobody is served that."
        )
        said.append(compared % {"share": share_text(policy.shadow_share)})
    elif mode is Mode.COMPARISON:
        said.append(_("Nothing is compared, because no share of them is to be."))
    if policy.legacy_retired:
        if state != BreakerState.CLOSED:
            said.append(_("Scanning failed too often lately, but there is nobody else to go to."))
    elif mode in GIVING and policy.guarded and not is_watched:
        said.append(_("Nobody watches at present, so all new captures go to legacy."))
    elif mode in GIVING and state == BreakerState.OPEN:
        said.append(_("Scanning failed too often lately, so all new captures go to legacy."))
    elif mode in GIVING and state == BreakerState.PROBING:
        said.append(_("Scanning failed too often lately, so it gets one capture at a time."))
    return said


@dataclass(frozen=True, slots=True)
class BreakerWords:
    """How a breaker stands: a chip, a sentence, and how many captures it failed on lately."""

    tone: str
    shape: str
    label: Text
    sentence: str
    recent_failures: int


def breaker_words(
    row: Breaker, limits: Limits, now: datetime, *, legacy_retired: bool = False
) -> BreakerWords:
    """Say how a breaker stands; while legacy is retired it keeps nothing from scanning."""
    state = BreakerState(row.state) if row.state in BreakerState.values else BreakerState.OPEN
    since = now.timestamp() - limits.window_seconds
    recent = sum(when > since for when in row.failures.values())
    if legacy_retired:
        sentence = _("Legacy is retired, so scanning gets every capture, however this stands.")
    else:
        sentence = _breaker_sentence(state, row, limits)
    return BreakerWords(*BREAKER_LOOKS[state], sentence, recent)


def _breaker_sentence(state: BreakerState, row: Breaker, limits: Limits) -> str:
    if state is BreakerState.CLOSED:
        opens = ngettext(
            "Scanning gets what the policy gives it. It gets no more after failing on"
            " %(n)d capture within %(window)s.",
            "Scanning gets what the policy gives it. It gets no more after failing on"
            " %(n)d different captures within %(window)s.",
            limits.failures,
        )
        window = span_text(limits.window_seconds)
        return opens % {"n": limits.failures, "window": window}
    if state is BreakerState.OPEN:
        return _("Scanning gets no captures; then one is tried.")
    probes = _("One capture at a time is tried on scanning: %(good)d of %(needed)d went well.")
    return probes % {"good": row.good_probes, "needed": GOOD_PROBES}


@dataclass(frozen=True, slots=True)
class Route:
    """Why a job goes where it goes.  ``bucket`` and ``fallback`` are empty where they say nothing.

    ``is_notable``: it differs from what the mode alone would do.
    """

    sentence: str
    arm: Text
    bucket: str
    fallback: str
    is_decided: bool
    is_notable: bool

    @property
    def short(self) -> str:
        """The one sentence for a row."""
        return self.fallback or self.sentence


def route_of(job: TrimJob, runs: Iterable[TrimRun]) -> Route:
    """Say why a job goes where it goes; of ``runs`` its own failed one tells why it fell back."""
    fallback = _fallback(job, runs)
    if job.policy_version is None and job.why != Why.ROLLED_BACK:
        sentence = _("It is decided when a worker takes the job.")
        return Route(sentence, "", "", fallback, is_decided=False, is_notable=bool(fallback))
    # a reason of another version of this program is shown as it is
    sentence = str(job.get_why_display())
    return Route(
        sentence=sentence,
        arm=_arm(job),
        bucket=_bucket(job),
        fallback=fallback,
        is_decided=job.policy_version is not None,
        is_notable=bool(fallback) or job.why in NOTABLE,
    )


def _arm(job: TrimJob) -> Text:
    if job.policy_version is None:
        return ""
    return _("none, a person chose") if job.arm == Arm.NONE else str(job.get_arm_display())


def _bucket(job: TrimJob) -> str:
    """Say where a capture lies in the draw, where only a share goes to scanning."""
    if job.bucket is None or job.share is None or not 0 < job.share < 1:
        return ""
    text = _(
        "Bucket %(bucket)s of %(all)s; those below %(edge)s go to scanning, a share of %(share)s."
    )
    return text % {
        "bucket": quantities.count(job.bucket),
        "all": quantities.count(BUCKETS),
        "edge": quantities.count(round(job.share * BUCKETS)),
        "share": share_text(job.share),
    }


def _fallback(job: TrimJob, runs: Iterable[TrimRun]) -> str:
    if not job.failed_on:
        return ""
    for run in runs:
        is_its = run.job_id == job.pk and run.strategy == job.failed_on
        if is_its and run.kind in FELL_BACK:
            reason = told(run.reason) or str(run.get_outcome_display())
            text = _("Fell back from %(strategy)s: %(reason)s")
            return text % {"strategy": job.failed_on, "reason": reason}
    return _("Fell back from %(strategy)s.") % {"strategy": job.failed_on}
