"""Strategies by name: those built in, those of installed packages, those that a setting adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from trimming.engine.errors import OptionsError
from trimming.engine.words import gettext_noop

if TYPE_CHECKING:  # who only asks for names must not pay for NumPy
    from trimming.engine.formats.capture import CaptureFile
    from trimming.engine.plan import MaskPlan
    from trimming.engine.report import Tally

ENTRY_POINT_GROUP = "pktmask.strategies"
BUILT_IN: Mapping[str, str] = {
    "legacy": "trimming.engine.strategies.legacy.strategy:LegacyStrategy",
    "scanning": "trimming.engine.strategies.scanning.strategy:ScanningStrategy",
}


class Strategy(Protocol):
    """A way to decide about every byte of payload of a capture."""

    @property
    def name(self) -> str:
        """The name under which it is registered."""

    @property
    def version(self) -> str:
        """Changes whenever its answers may."""

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Walk all packets of a capture and add what is decided to ``plan`` and ``tally``.

        The profile is ``plan.options``.  Nothing is written, and packets need not be kept.
        ``progress`` is called with the bytes of the file that were read, and may raise to stop.
        """


def available(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return name to dotted path ("package.module:Class"); later sources win over earlier ones."""
    found = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    return {**BUILT_IN, **found, **(extra or {})}


def load_strategy(name: str, extra: Mapping[str, str] | None = None) -> Strategy:
    """Import and return a strategy; raises OptionsError that names those that there are."""
    known = available(extra)
    if name not in known:
        unknown = gettext_noop("strategy %(name)r is not known; there are: %(known)s")
        raise OptionsError(unknown % {"name": name, "known": ", ".join(sorted(known))})
    module, _, attribute = known[name].partition(":")
    strategy: Strategy = getattr(import_module(module), attribute)()
    return strategy
