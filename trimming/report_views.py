"""A run's report as plain values for machines, and as a short table for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from trimming.engine.byte_classes import ByteClass
from trimming.engine.report import Report
from trimming.quantities import rate
from trimming.quantities import size as size


def report_as_dict(report: Report) -> dict[str, object]:
    """Return the whole report as JSON-ready values (sizes in bytes, durations in ms)."""
    tally = report.tally
    verification = report.verification
    return {
        "strategy": report.strategy,
        "strategy_version": report.strategy_version,
        "profile": report.profile,
        "packets": tally.packets,
        "bytes": tally.captured_bytes,
        "connections": tally.connections,
        "streams": tally.streams,
        "http_streams": tally.http_streams,
        "requests": tally.requests,
        "responses": tally.responses,
        "bytes_by_class": {c.name.lower(): tally.bytes_by_class[c] for c in ByteClass},
        "masked_bytes": tally.masked_bytes,
        "sliced_bytes": tally.sliced_bytes,
        "gaps": tally.gaps,
        "retransmitted_segments": tally.retransmitted_segments,
        "out_of_order_segments": tally.out_of_order_segments,
        "unknown_link_types": dict(tally.unknown_link_types),
        "left_bytes": dict(tally.left_bytes),
        "left_out_bytes": tally.left_out_bytes,
        "dropped_metadata": dict(tally.dropped_metadata),
        "limits_met": dict(tally.limits_met),
        "warnings": [asdict(warning) for warning in tally.warnings],
        "warnings_left_out": tally.warnings_left_out,
        "not_understood": not_understood(report),
        "timeline": tally.timeline.as_dict(),
        "input_bytes": report.input_bytes,
        "output_bytes": report.output_bytes,
        "duration_ms": round(report.duration_ms, 3),
        "throughput_bytes_per_s": report.throughput_bytes_per_s,
        "latency_ms": report.latency_ms,
        "peak_rss_bytes": report.peak_rss_bytes,
        "verification": None
        if verification is None
        else {
            "passed": verification.passed,
            "packets": verification.packets,
            "masked_bytes": verification.masked_bytes,
            "http_streams": verification.http_streams,
            "header_blocks": verification.header_blocks,
        },
    }


def not_understood(report: Report) -> str:
    """Say in one sentence what was left as it was because nobody understood it, in bytes."""
    left = {what: count for what, count in report.tally.left_bytes.items() if count}
    if not left:
        return "Every payload byte was understood or masked."
    whole = ", ".join(f"{what}: {size(count)}" for what, count in _largest_first(left))
    return f"Not HTTP and left as it was: {whole}."


def rows(report: Report) -> list[tuple[str, str]]:
    """Return the rows of the table that a person sees."""
    tally = report.tally
    verification = report.verification
    verified = "not asked for"
    if verification is not None:
        blocks = f"{verification.header_blocks:,} header blocks"
        verified = f"passed: {verification.packets:,} packets, {blocks}"
    classes = ", ".join(
        f"{c.name.lower()} {size(tally.bytes_by_class[c])}"
        for c in ByteClass
        if tally.bytes_by_class[c]
    )
    found = [
        ("strategy", f"{report.strategy} {report.strategy_version}, profile {report.profile}"),
        ("packets", f"{tally.packets:,} with {size(tally.captured_bytes)}"),
        (
            "HTTP",
            f"{tally.requests:,} requests, {tally.responses:,} responses"
            f" in {tally.http_streams:,} of {tally.streams:,} streams",
        ),
        ("byte classes", classes or "no TCP payload"),
        ("masked", size(tally.masked_bytes)),
        (
            "stream faults",
            f"{tally.gaps:,} gaps, {tally.retransmitted_segments:,} retransmitted,"
            f" {tally.out_of_order_segments:,} out of order",
        ),
        ("verification", verified),
        ("time", f"{report.duration_ms / 1000:.2f} s, {_rate(report)}"),
        ("note", not_understood(report)),
    ]
    if tally.limits_met:
        limits = ", ".join(f"{name} {count:,}x" for name, count in tally.limits_met.items())
        found.append(("limits met", limits))
    return found


def _rate(report: Report) -> str:
    bytes_per_s = report.throughput_bytes_per_s
    return rate(bytes_per_s) if bytes_per_s else "no rate"


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
