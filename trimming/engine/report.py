"""What a run tells about itself: counts and places, never payload."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from trimming.engine.byte_classes import ByteClass
from trimming.engine.timeline import Timeline
from trimming.engine.words import gettext_noop

MAX_WARNINGS = 100
# parts of what is not HTTP in TCP that have names of their own
HTTP2 = gettext_noop("HTTP/2 in clear text")
RESET_TEXT = gettext_noop("text of TCP resets")
# what else was left as it is
NOT_HTTP = gettext_noop("TCP that is not HTTP")
NOT_CLASSED = gettext_noop("HTTP that could not be classed")
ICMP_QUOTE = gettext_noop("ICMP quote")
HEADLESS = gettext_noop("fragments without their beginning")
IP_PROTOCOL = gettext_noop("IP protocol %(number)d")
LINK_TYPE = gettext_noop("link type %(number)d")
# what is held against an output, by which rule, and where
FOUND = gettext_noop("%(detail)s (%(rule)s)")
FOUND_AT = gettext_noop("packet %(packet)d, byte %(offset)d: %(found)s")


@dataclass(frozen=True, slots=True)
class Warning:
    """Something a person should know.  ``packet`` and ``offset`` are 0 where they do not apply."""

    reason: str
    packet: int = 0
    offset: int = 0


@dataclass(slots=True)
class Tally:
    """Counts that a strategy, the reader and the writer keep while they work."""

    connections: int = 0
    streams: int = 0
    http_streams: int = 0
    requests: int = 0
    responses: int = 0
    gaps: int = 0
    retransmitted_segments: int = 0
    out_of_order_segments: int = 0
    packets: int = 0
    captured_bytes: int = 0
    masked_bytes: int = 0
    sliced_bytes: int = 0
    left_out_bytes: int = 0
    bytes_by_class: Counter[ByteClass] = field(default_factory=Counter)
    # bytes that were left as they are because nobody understood them, by what they are
    left_bytes: Counter[str] = field(default_factory=Counter)
    unknown_link_types: Counter[str] = field(default_factory=Counter)
    dropped_metadata: Counter[str] = field(default_factory=Counter)
    limits_met: Counter[str] = field(default_factory=Counter)
    warnings: list[Warning] = field(default_factory=list)
    warnings_left_out: int = 0
    timeline: Timeline = field(default_factory=Timeline)

    def warn(self, reason: str, packet: int = 0, offset: int = 0) -> None:
        """Add a warning; past MAX_WARNINGS it is only counted."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(Warning(reason, packet, offset))
        else:
            self.warnings_left_out += 1


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that verification holds against an output."""

    rule: str
    detail: str
    packet: int = 0
    offset: int = 0

    def __str__(self) -> str:
        found = FOUND % {"detail": self.detail, "rule": self.rule}
        if not self.packet:
            return found
        return FOUND_AT % {"packet": self.packet, "offset": self.offset, "found": found}


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of reading an output back.  ``passed`` means that there are no findings."""

    packets: int
    masked_bytes: int
    http_streams: int
    header_blocks: int
    findings: tuple[Finding, ...]
    findings_left_out: int = 0

    @property
    def passed(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Report:
    """The report of one run (durations in milliseconds, sizes in bytes)."""

    strategy: str
    strategy_version: str
    profile: str
    tally: Tally
    input_bytes: int
    output_bytes: int
    duration_ms: float
    peak_rss_bytes: int
    verification: Verification | None

    @property
    def throughput_bytes_per_s(self) -> float | None:
        """Captured bytes a second; None for a run too short to tell."""
        return self.tally.captured_bytes / self.duration_ms * 1000 if self.duration_ms else None

    @property
    def latency_ms(self) -> float | None:
        """Duration divided by HTTP messages; None without any."""
        messages = self.tally.requests + self.tally.responses
        return self.duration_ms / messages if messages else None
