"""Whether the service can do its work: probes, each with an answer.

Apps above register theirs when they start.  A probe reads and never writes, and its sentence names
no host, path or secret: whoever balances load may ask without an account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.utils.translation import gettext as _

from config.faults import type_and_place

log = structlog.get_logger("pktmask.readiness")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe says."""

    is_ready: bool
    sentence: str


Probe = Callable[[datetime], Answer]


class Probes:
    """Probes by name, in the order of registering."""

    def __init__(self) -> None:
        self._probes: dict[str, Probe] = {}

    def register(self, name: str) -> Callable[[Probe], Probe]:
        """Add a probe, as a decorator."""

        def add(probe: Probe) -> Probe:
            self._probes[name] = probe
            return probe

        return add

    def ask(self, now: datetime) -> Mapping[str, Answer]:
        """Return the answers of all probes; one that fails is not ready."""
        return {name: self._ask(name, now) for name in self._probes}

    def _ask(self, name: str, now: datetime) -> Answer:
        try:
            return self._probes[name](now)
        except Exception as error:  # whatever it is, the service is not ready
            log.error("not_ready", probe=name, **type_and_place(error))
            return Answer(False, _("It could not be asked; the log says why."))


probes = Probes()
