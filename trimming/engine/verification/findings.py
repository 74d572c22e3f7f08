"""What verification holds against an output, gathered up to a bound."""

from __future__ import annotations

from enum import StrEnum

from trimming.engine.report import Finding
from trimming.engine.words import gettext_noop

MAX_FINDINGS = 20


class Rule(StrEnum):
    """What an output is held against."""

    PACKET_COUNT = gettext_noop("packet-count")
    PACKET_HEADER = gettext_noop("packet-header")
    METADATA = gettext_noop("metadata")
    PLAN_APPLIED = gettext_noop("plan-applied")
    OUTSIDE_PLAN = gettext_noop("outside-plan")
    CHECKSUM = gettext_noop("checksum")
    KEPT_BYTES = gettext_noop("kept-bytes")
    HEADER_BLOCKS = gettext_noop("header-blocks")


class Findings:
    """A list of at most MAX_FINDINGS findings; further ones are only counted.

    ``detail`` is a sentence with numbers.  It never holds payload bytes.
    """

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.left_out = 0

    def add(self, rule: Rule, detail: str, packet: int = 0, offset: int = 0) -> None:
        """Add a finding about the byte ``offset`` of the captured bytes of ``packet``."""
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(rule, detail, packet, offset))
        else:
            self.left_out += 1
