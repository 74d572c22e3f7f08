"""What the page reads from a stored report; what is not known never looks healthy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.trimming.reports import stored_report
from trimming.capture_report import CaptureReport, not_understood, read_report


def read(**changes: Any) -> CaptureReport:
    report = read_report(stored_report(**changes))
    assert report is not None
    return report


def tiles(report: CaptureReport) -> dict[str, tuple[str, str, str]]:
    return {str(t.title): (t.figure, t.unit, t.note) for t in report.tiles}


def test_tiles_show_the_numbers_of_the_report() -> None:
    assert tiles(read()) == {
        "Masked": ("5.0", "kB", "5,000 bytes in a capture of 1,234 packets"),
        "Duration": ("40", "ms", "225 kB/s, 6.67 ms per message"),
        "Messages": ("6", "", "5 requests, 1 response"),
        "Streams": ("4", "", "3 HTTP, 1 other"),
        "Peak memory": ("98.0", "MB", "of the worker's process"),
    }


def test_a_long_run_is_told_in_seconds() -> None:
    assert tiles(read(duration_ms=12_345.0))["Duration"][:2] == ("12.3", "s")


def test_a_run_without_messages_or_time_has_no_rate() -> None:
    shown = tiles(read(throughput_bytes_per_s=None, latency_ms=None))
    assert shown["Duration"][2] == "too short for a rate"


def test_the_checks_carry_only_counts_of_the_report() -> None:
    report = read()
    assert [(c.count, c.is_met) for c in report.checks] == [
        ("1,234 of 1,234", True),
        ("5,000 of 5,000", True),
        ("6 blocks", True),
        ("3 streams", True),
        ("", True),
        ("", True),
        ("", True),
    ]
    assert (report.verdict.tone, report.verdict.label) == ("ok", "All 7 hold")
    assert report.verdict.is_ok


def test_a_sliced_output_does_not_claim_the_same_lengths() -> None:
    assert "cut off" in str(read(sliced_bytes=12).checks[0].sentence)


def test_a_run_that_was_not_verified_is_not_known() -> None:
    report = read(verification=None)
    assert (report.checks, report.verdict.tone) == ((), "unknown")


@pytest.mark.parametrize(
    "verified", [{"passed": False}, {"packets": 1_233}, {"masked_bytes": 4_999}]
)
def test_a_verification_that_fails_or_disagrees_is_a_failure(verified: dict[str, Any]) -> None:
    assert read(verified=verified).verdict.tone == "fail"


@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "report",
        {},
        stored_report(packets=None),
        stored_report(packets=True),
        stored_report(packets="1,234"),
        stored_report(bytes_by_class=None),
        stored_report(left_bytes={"UDP": "many"}),
        stored_report(warnings=None),
        stored_report(warnings=["text"]),
        stored_report(warnings=[{"reason": "x"}]),
        stored_report(verification="passed"),
        stored_report(verification={"passed": 1}),
        stored_report(verified={"packets": None}),
        {k: v for k, v in stored_report().items() if k != "verification"},
    ],
)
def test_what_is_no_whole_report_reads_as_none(stored: object) -> None:
    assert read_report(stored) is None


def test_warnings_have_places_only_where_they_apply() -> None:
    warnings = [
        {"reason": "odd", "packet": 3, "offset": 54},
        {"reason": "all of it", "packet": 0, "offset": 0},
    ]
    report = read(warnings=warnings, warnings_left_out=5)
    assert [(w.reason, w.packet, w.offset) for w in report.warnings] == [
        ("odd", 3, 54),
        ("all of it", None, None),
    ]
    assert (report.warnings_label, report.warnings_left_out) == ("7 warnings", 5)


def test_counts_are_listed_largest_first_and_zeros_are_left_out() -> None:
    report = read(limits_met={"a": 1, "b": 9, "c": 0}, dropped_metadata={"names": 2})
    assert report.limits_met == (("b", 9), ("a", 1))
    assert report.dropped_metadata == (("names", 2),)
    assert report.unknown_link_types == ()


def test_what_was_not_understood_is_a_sentence() -> None:
    assert not_understood({}) == "Every payload byte was understood or masked."
    assert not_understood({"DNS": 10, "UDP": 2_000, "x": 0}) == (
        "Not HTTP and left as it was: UDP 2.0 kB, DNS 10 B."
    )
