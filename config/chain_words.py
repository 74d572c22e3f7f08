"""What is wrong with the audit log, as sentences.  Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.chain_rules import Fault, Kind

SAID: Final[Mapping[Kind, Any]] = {
    Kind.CHANGED: gettext_lazy("%(which)s was changed."),
    Kind.MOVED: gettext_lazy("%(which)s does not stand where it was put."),
    Kind.REMOVED: gettext_lazy("%(which)s was removed."),
    Kind.INSERTED: gettext_lazy("%(which)s was inserted, or written by another version."),
    Kind.REPEATED: gettext_lazy("%(which)s is an earlier event that was put in again."),
    Kind.UNKNOWN_KEY: gettext_lazy(
        "%(which)s is sealed with a key that is not here; see PKTMASK_OLD_SECRET_KEYS."
    ),
    Kind.HEAD: gettext_lazy("The head of the log was touched."),
}


def words(fault: Fault) -> str:
    """Return a sentence that names the event."""
    said = str(SAID[fault.kind]) % {"which": _which(fault)}
    return f"{said} ({fault.detail})" if fault.detail else said


def _which(fault: Fault) -> str:
    if fault.first is None:
        return _("The head") if fault.id is None else _("Row %(id)s") % {"id": fault.id}
    if fault.first != fault.last:
        return _("Each event from %(first)s to %(last)s") % {
            "first": fault.first,
            "last": fault.last,
        }
    if fault.id is None:
        return _("Event %(number)s") % {"number": fault.first}
    return _("Event %(number)s (row %(id)s)") % {"number": fault.first, "id": fault.id}
