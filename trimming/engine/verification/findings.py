"""What verification holds against an output, gathered up to a bound."""

from __future__ import annotations

from trimming.engine.report import Finding

MAX_FINDINGS = 20


class Findings:
    """A list of at most MAX_FINDINGS findings; further ones are only counted.

    ``detail`` is a sentence with numbers.  It never holds payload bytes.
    """

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.left_out = 0

    def add(self, rule: str, detail: str, packet: int = 0, offset: int = 0) -> None:
        """Add a finding about the byte ``offset`` of the captured bytes of ``packet``."""
        if len(self.kept) < MAX_FINDINGS:
            self.kept.append(Finding(rule, detail, packet, offset))
        else:
            self.left_out += 1
