"""Marks: what was changed when, for time axes and for the list of changes.

A source answers with the marks of a span of time.  Another app registers one when it starts; its
marks then stand on every chart and in every list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, zip_longest
from typing import Any, Final

from django.urls import reverse
from django.utils.translation import gettext as _

from config.languages.told import told
from config.models import ConfigVersion
from trimming.models import RoutingPolicy
from trimming.routing_choices import Mode, Origin
from trimming.routing_words import share_text

# so many of one source are read at most
MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """One change: ``label`` beside a line on a chart, ``title`` and ``detail`` in a list."""

    at: datetime
    label: str
    title: str
    detail: str = ""
    tone: str = ""
    shape: str = "run"
    address: str = ""
    # who may see it; "" is everybody
    permission: str = ""


# all of a span, half-open at its start; newest first
Source = Callable[[datetime, datetime], Iterable[Mark]]


class Marks:
    """Sources of marks."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def register(self, source: Source) -> Source:
        """Add a source; return it, so that this can decorate one."""
        self._sources.append(source)
        return source

    def between(self, start: datetime, end: datetime, user: Any) -> list[Mark]:
        """Return the marks of all sources that ``user`` may see, newest first."""
        found = [
            mark
            for source in self._sources
            for mark in source(start, end)
            if not mark.permission or user.has_perm(mark.permission)
        ]
        return sorted(found, key=lambda mark: mark.at, reverse=True)


marks = Marks()


@marks.register
def policies(start: datetime, end: datetime) -> list[Mark]:
    """Return changes of where captures go: mode, share, rollback."""
    rows = RoutingPolicy.objects.filter(at__lte=end).order_by("-version")[: MOST + 1]
    found = list(rows)
    # the oldest one that was read has none to compare with, unless it is the first of all
    pairs = zip_longest(found, found[1:])
    return [
        mark
        for policy, before in islice(pairs, MOST)
        if policy.at > start and (mark := policy_mark(policy, before)) is not None
    ]


def policy_mark(policy: RoutingPolicy, before: RoutingPolicy | None) -> Mark | None:
    """Return the mark of ``policy``; None where nothing that a chart shows has changed."""
    values = {
        "detail": f"{policy.actor_name}: {told(policy.reason)}",
        "address": reverse("routing:page"),
        "permission": "trimming.view_routingpolicy",
    }
    named = {"version": policy.version, "mode": policy.get_mode_display()}
    if policy.origin == Origin.ROLLBACK:
        said = _("Rolled back, policy %(version)d") % named
        return Mark(policy.at, _("rolled back"), said, tone="fail", shape="back", **values)
    title = _("Policy %(version)d: %(mode)s") % named
    if policy.mode == Mode.AB_TEST:
        share = share_text(policy.treatment_share)
        label = _("%(share)s scanning") % {"share": share}
        title += f", {share}"
    else:
        label = str(policy.get_mode_display())
    if before is not None and _shown(before) == _shown(policy):
        return None
    return Mark(policy.at, label, title, tone="run", shape="up", **values)


def _shown(policy: RoutingPolicy) -> tuple[str, float, bool]:
    share = policy.treatment_share if policy.mode == Mode.AB_TEST else 0.0
    return policy.mode, share, policy.stands_back


@marks.register
def versions(start: datetime, end: datetime) -> list[Mark]:
    """Return versions of the configuration."""
    rows = ConfigVersion.objects.filter(at__gt=start, at__lte=end).order_by("-number")
    fields = ("number", "at", "author_name", "reason")
    return [
        Mark(
            at,
            _("configuration %(number)d") % {"number": number},
            _("Configuration %(number)d by %(name)s") % {"number": number, "name": name},
            detail=told(reason),
            tone="run",
            shape="run",
            address=reverse("config:version", args=[number]),
            permission="config.view_configversion",
        )
        for number, at, name, reason in rows.values_list(*fields)[:MOST]
    ]
