"""The part about changes: of where captures go, and of the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.models import ConfigVersion
from monitoring.reports.parts import Kind, Part, Value, moment, shortened, text
from monitoring.reports.sections import Span, sections
from trimming.models import RoutingPolicy
from trimming.routing_choices import Mode, Origin
from trimming.routing_words import share_text


@sections.register("changes", gettext_lazy("Changes"), 60)
def changes(span: Span) -> Iterator[Part]:
    """Give both parts, each for who may see what it is about."""
    yield _configuration(span)
    yield _routing(span)


def _configuration(span: Span) -> Part:
    rows = ConfigVersion.objects.filter(at__gte=span.begin, at__lt=span.until).order_by("-number")
    found = list(rows.defer("files", "console"))
    said = ngettext(
        "The configuration was changed %(n)s time.",
        "The configuration was changed %(n)s times.",
        len(found),
    ) % {"n": f"{len(found):,}"}
    table = shortened(
        _("Versions, newest first"),
        (_("Version"), _("Time"), _("By"), _("Reason"), _("Settings")),
        [
            (
                Value(Kind.COUNT, each.number),
                moment(each.at),
                text(each.author_name),
                text(each.reason),
                Value(Kind.COUNT, len(each.changes)),
            )
            for each in found
        ],
    )
    return Part(
        "configuration",
        _("Configuration"),
        said if found else _("The configuration was not changed."),
        tables=[table] if found else [],
        permission="config.view_configversion",
    )


def _routing(span: Span) -> Part:
    rows = RoutingPolicy.objects.filter(at__gte=span.begin, at__lt=span.until).order_by("-version")
    found = list(rows)
    backs = sum(each.origin == Origin.ROLLBACK for each in found)
    said = ngettext(
        "%(n)s routing policy was published, %(backs)s of them by a rollback.",
        "%(n)s routing policies were published, %(backs)s of them by a rollback.",
        len(found),
    ) % {"n": f"{len(found):,}", "backs": f"{backs:,}"}
    table = shortened(
        _("Policies, newest first"),
        (_("Policy"), _("Time"), _("What"), _("Published by"), _("By"), _("Reason")),
        [
            (
                Value(Kind.COUNT, each.version),
                moment(each.at),
                text(_what(each)),
                text(each.get_origin_display()),
                text(each.actor_name),
                text(each.reason),
            )
            for each in found
        ],
    )
    return Part(
        "routing",
        _("Routing"),
        said if found else _("The routing policy was not changed."),
        tables=[table] if found else [],
        permission="trimming.view_routingpolicy",
    )


def _what(policy: RoutingPolicy) -> str:
    mode = str(policy.get_mode_display())
    if policy.mode != Mode.AB_TEST:
        return mode
    return f"{mode}: {share_text(policy.treatment_share)}"
