"""What a capture's page says of a run, read from the report that was stored with it.

Pure.  Numbers come from the stored report only.  A report that is not there, was damaged, or was
not verified never looks healthy: it reads as "not known".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from config.languages.told import listed, told
from trimming import quantities

Text = str | Promise
Counts = tuple[tuple[str, int], ...]

NUMBERS: Final = (
    "packets",
    "bytes",
    "connections",
    "streams",
    "http_streams",
    "requests",
    "responses",
    "masked_bytes",
    "sliced_bytes",
    "gaps",
    "retransmitted_segments",
    "out_of_order_segments",
    "left_out_bytes",
    "warnings_left_out",
    "input_bytes",
    "output_bytes",
    "duration_ms",
    "peak_rss_bytes",
)
TABLES: Final = (
    "bytes_by_class",
    "left_bytes",
    "unknown_link_types",
    "dropped_metadata",
    "limits_met",
)
VERIFIED_NUMBERS: Final = ("packets", "masked_bytes", "http_streams", "header_blocks")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A word with its tone and shape."""

    tone: str
    shape: str
    label: Text

    @property
    def is_ok(self) -> bool:
        """Whether everything holds."""
        return self.tone == "ok"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its unit, and what explains it."""

    title: Text
    figure: str
    unit: str
    note: str


@dataclass(frozen=True, slots=True)
class Check:
    """One promise that verification holds an output against.

    ``count`` is the evidence, empty where the report has none; ``is_met`` is False when the counts
    of the run and of its verification disagree.
    """

    sentence: Text
    count: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class WarningRow:
    """Something a person should know; packet and offset are None where they do not apply."""

    reason: str
    packet: int | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class CaptureReport:
    """A stored report, as the page shows it (sizes in bytes, durations in milliseconds)."""

    numbers: Mapping[str, float]
    tiles: tuple[Tile, ...]
    verdict: Verdict
    checks: tuple[Check, ...]
    warnings: tuple[WarningRow, ...]
    warnings_label: str
    warnings_left_out: int
    limits_met: Counts
    unknown_link_types: Counts
    dropped_metadata: Counts
    not_understood: str


NO_REPORT: Final = Verdict("unknown", "unknown", _("No report"))
NOT_VERIFIED: Final = Verdict("unknown", "unknown", _("Not verified"))
BROKEN: Final = Verdict("fail", "fail", _("Verification failed"))


def read_report(stored: object) -> CaptureReport | None:
    """Return the stored report, or None when it is not there or lacks what a report has."""
    if not is_report(stored):
        return None
    assert isinstance(stored, Mapping)
    checks = _checks(stored)
    return CaptureReport(
        numbers={name: stored[name] for name in NUMBERS},
        tiles=_tiles(stored),
        verdict=_verdict(stored["verification"], checks),
        checks=checks,
        warnings=tuple(_warning(each) for each in stored["warnings"]),
        warnings_label=_warnings_label(len(stored["warnings"]) + stored["warnings_left_out"]),
        warnings_left_out=stored["warnings_left_out"],
        limits_met=_largest_first(stored["limits_met"]),
        unknown_link_types=_largest_first(stored["unknown_link_types"]),
        dropped_metadata=_largest_first(stored["dropped_metadata"]),
        not_understood=not_understood(stored["left_bytes"]),
    )


def is_report(stored: object) -> bool:
    """Tell whether a stored value has every part of a report, each of the right kind."""
    if not isinstance(stored, Mapping):
        return False
    numbers = all(_number(stored.get(name)) is not None for name in NUMBERS)
    tables = all(_is_table(stored.get(name)) for name in TABLES)
    warnings = stored.get("warnings")
    listed = isinstance(warnings, list) and all(_is_warning(each) for each in warnings)
    return numbers and tables and listed and _is_verification(stored.get("verification", ""))


def not_understood(left_bytes: Mapping[str, int]) -> str:
    """Say in one sentence what was left as it was because nobody understood it."""
    left = _largest_first(left_bytes)
    if not left:
        return gettext("Every payload byte was understood or masked.")
    whole = listed(f"{told(name)} {quantities.size(count)}" for name, count in left)
    return gettext("Not HTTP and left as it was: %(what)s.") % {"what": whole}


def _tiles(stored: Mapping[str, Any]) -> tuple[Tile, ...]:
    count = quantities.count
    requests, responses = stored["requests"], stored["responses"]
    asked = ngettext("%(n)s request", "%(n)s requests", requests) % {"n": count(requests)}
    answered = ngettext("%(n)s response", "%(n)s responses", responses) % {"n": count(responses)}
    masked = gettext("%(masked)s bytes in a capture of %(packets)s packets")
    streams = gettext("%(http)s HTTP, %(other)s other")
    other = stored["streams"] - stored["http_streams"]
    return (
        _tile(
            _("Masked"),
            quantities.size(stored["masked_bytes"]),
            masked % {"masked": count(stored["masked_bytes"]), "packets": count(stored["packets"])},
        ),
        _tile(_("Duration"), _time(stored["duration_ms"]), _pace(stored)),
        _tile(_("Messages"), count(requests + responses), f"{asked}, {answered}"),
        _tile(
            _("Streams"),
            count(stored["streams"]),
            streams % {"http": count(stored["http_streams"]), "other": count(other)},
        ),
        _tile(
            _("Peak memory"),
            quantities.size(stored["peak_rss_bytes"]),
            gettext("of the worker's process"),
        ),
    )


def _tile(title: Text, shown: str, note: str) -> Tile:
    figure, _space, unit = shown.partition(" ")
    return Tile(title, figure, unit, note)


def _time(ms: float) -> str:
    """Show a time span; spans of programs are often shorter than a hundredth of a second."""
    return f"{ms:.3g} ms" if ms < 100 else quantities.duration(ms / 1000)


def _pace(stored: Mapping[str, Any]) -> str:
    rate, latency = (_number(stored.get(n)) for n in ("throughput_bytes_per_s", "latency_ms"))
    pace = gettext("too short for a rate") if rate is None else quantities.rate(rate)
    if latency is None:
        return pace
    each = gettext("%(time)s per message") % {"time": _time(latency)}
    return f"{pace}, {each}"


def _checks(stored: Mapping[str, Any]) -> tuple[Check, ...]:
    """The rules of trimming.engine.verification, each with the count that the report carries."""
    found = stored["verification"]
    if found is None:
        return ()
    same = _("Same packets, order, timestamps and lengths")
    if stored["sliced_bytes"]:
        same = _("Same packets, order and timestamps; only overwritten ends cut off")
    blocks = ngettext("%(count)s block", "%(count)s blocks", found["header_blocks"])
    streams = ngettext("%(count)s stream", "%(count)s streams", found["http_streams"])
    return (
        _compared(same, found["packets"], stored["packets"]),
        _compared(
            _("Every byte of the plan overwritten"), found["masked_bytes"], stored["masked_bytes"]
        ),
        _counted(_("Header blocks found again and kept"), blocks, found["header_blocks"]),
        _counted(
            _("What is kept in HTTP reads as header, framing or what the profile keeps"),
            streams,
            found["http_streams"],
        ),
        Check(_("No other byte changed, besides checksums"), "", True),
        Check(_("Every checksum as right or as wrong as it was"), "", True),
        Check(_("Blocks without packets kept, or dropped as the profile says"), "", True),
    )


def _compared(sentence: Text, found: int, told: int) -> Check:
    count = gettext("%(found)s of %(told)s") % {
        "found": quantities.count(found),
        "told": quantities.count(told),
    }
    return Check(sentence, count, found == told)


def _counted(sentence: Text, form: str, count: int) -> Check:
    return Check(sentence, form % {"count": quantities.count(count)}, True)


def _verdict(verification: Mapping[str, Any] | None, checks: tuple[Check, ...]) -> Verdict:
    if verification is None:
        return NOT_VERIFIED
    if verification["passed"] is not True or not all(check.is_met for check in checks):
        return BROKEN
    label = gettext("All %(count)d hold") % {"count": len(checks)}
    return Verdict("ok", "ok", label)


def _warnings_label(count: int) -> str:
    words = ngettext("%(n)s warning", "%(n)s warnings", count)
    return words % {"n": quantities.count(count)}


def _warning(each: Mapping[str, Any]) -> WarningRow:
    packet, offset = each["packet"] or None, each["offset"] or None
    return WarningRow(each["reason"], packet, offset)


def _largest_first(counts: Mapping[str, int]) -> Counts:
    return tuple(sorted(((k, v) for k, v in counts.items() if v), key=lambda item: -item[1]))


def _number(value: object) -> float | None:
    """Return a number, None for anything else (and for true and false)."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping) and all(_number(each) is not None for each in value.values())


def _is_warning(value: object) -> bool:
    return isinstance(value, Mapping) and {"reason", "packet", "offset"} <= value.keys()


def _is_verification(value: object) -> bool:
    if value is None:
        return True
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("passed"), bool)
        and all(_number(value.get(name)) is not None for name in VERIFIED_NUMBERS)
    )
