"""What a step says, in the language that is active: one table for all that the pipeline does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from config.languages.told import listed, told
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.values import Why
from trimming import quantities
from trimming.choices import Look

KINDS: Final[Mapping[str, Any]] = {
    MessageKind.FIRING.value: _("fires"),
    MessageKind.REPEATED.value: _("still fires"),
    MessageKind.ESCALATED.value: _("escalated"),
    MessageKind.RESOLVED.value: _("resolved"),
    MessageKind.DIGEST.value: _("digest"),
    MessageKind.REMINDER.value: _("reminder"),
    MessageKind.TEST.value: _("test"),
}

RUN, OK, WARN, FAIL, QUIET = (
    Look("run", "run"),
    Look("ok", "ok"),
    Look("warn", "warn"),
    Look("fail", "fail"),
    Look("unknown", "stop"),
)
# what fires without a time that it has to hold
AT_ONCE: Final = "fired_at_once"
# stage and what it did: look, and the sentence with its details
STEPS: Final[Mapping[tuple[str, str], tuple[Look, Any]]] = {
    ("hold", "began"): (RUN, _("The condition holds; it fires when it has held for %(hold)s.")),
    ("hold", "fired"): (WARN, _("Fires: the condition has held for %(hold)s.")),
    ("hold", AT_ONCE): (WARN, _("Fires at once.")),
    ("hold", "passed"): (QUIET, _("Over before it had held for %(hold)s; nobody is told.")),
    ("hold", "came_back"): (WARN, _("Came back while it was watched: %(times)s times lately.")),
    ("hold", "worse"): (WARN, _("Grew worse: from %(before)s to %(after)s. It is told anew.")),
    ("hold", "better"): (RUN, _("Grew better: from %(before)s to %(after)s.")),
    ("flapping", "damped"): (
        QUIET,
        _("Over, but it fired %(times)s times lately: it counts as resolved after %(settle)s."),
    ),
    ("flapping", "resolved"): (OK, _("Resolved.")),
    ("inhibition", "muted"): (QUIET, _("Muted by a stronger alert: %(by)s.")),
    ("inhibition", "unmuted"): (RUN, _("No longer muted: %(by)s.")),
    ("silence", "muted"): (QUIET, _("Silenced: %(by)s.")),
    ("silence", "unmuted"): (RUN, _("No longer silenced: %(by)s.")),
    ("routing", "began_at_level"): (RUN, _("Begins at support level %(level)s: it is on duty.")),
    ("routing", "routed"): (RUN, _("To be told on %(channels)s, level %(level)s.")),
    ("routing", "suppressed"): (FAIL, _("Told to nobody: %(why)s.")),
    ("repeat", "repeated"): (RUN, _("Not acknowledged: told again on %(channels)s.")),
    ("escalation", "escalated"): (
        WARN,
        _("Nobody acknowledged it in time: level %(level)s is told on %(channels)s."),
    ),
    ("telling", "suppressed"): (QUIET, _("Not told on %(channel)s (%(kind)s): %(why)s.")),
    ("delivery", "suppressed"): (QUIET, _("Not told on %(channel)s (%(kind)s): %(why)s.")),
    ("delivery", "queued"): (RUN, _("In a message for %(channel)s (%(kind)s).")),
    ("delivery", "digested"): (RUN, _("In a digest for %(channel)s.")),
    ("delivery", "sent"): (OK, _("Sent on %(channel)s at attempt %(attempt)s: %(answer)s")),
    ("delivery", "not_taken"): (
        WARN,
        _("Not taken by %(channel)s at attempt %(attempt)s: %(answer)s It is sent again."),
    ),
    ("delivery", "dead"): (
        FAIL,
        _("Given up on %(channel)s at attempt %(attempt)s: %(answer)s It is a dead letter."),
    ),
    ("delivery", "switched_off"): (QUIET, _("Not sent: %(channel)s was switched off.")),
    ("person", "acknowledged"): (OK, _("Acknowledged by %(who)s.")),
    ("person", "acknowledged_because"): (OK, _("Acknowledged by %(who)s: %(note)s")),
    ("person", "sent_again"): (RUN, _("%(who)s has the message for %(channel)s sent again.")),
    ("person", "put_aside"): (QUIET, _("%(who)s put the message for %(channel)s aside.")),
    ("person", "silenced"): (QUIET, _("%(who)s made silence %(silence)s: %(note)s")),
}
UNKNOWN: Final = (RUN, _("%(stage)s: %(what)s"))


def look_of(stage: str, what: str) -> Look:
    """Return tone and shape of a step."""
    return STEPS.get((stage, what), UNKNOWN)[0]


def sentence_of(stage: str, what: str, details: Mapping[str, Any]) -> str:
    """Return a step in words."""
    names = {"stage": stage, "what": what, **details}
    if (stage, what) == ("hold", "fired") and not details.get("hold_seconds"):
        what = AT_ONCE
    for seconds, name in (("hold_seconds", "hold"), ("settle_seconds", "settle")):
        if seconds in details:
            names[name] = quantities.duration(details[seconds])
    if "channels" in details:
        names["channels"] = listed(details["channels"]) or "-"
    if "answer" in details:
        names["answer"] = told(details["answer"])
    if details.get("why") in Why.values:
        names["why"] = Why(details["why"]).label
    if details.get("kind") in KINDS:
        names["kind"] = KINDS[details["kind"]]
    for name in ("before", "after"):
        if details.get(name) in Severity.values:
            names[name] = str(Severity(details[name]).label).lower()
    return str(STEPS.get((stage, what), UNKNOWN)[1] % names)
