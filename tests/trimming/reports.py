"""Stored reports for tests, as report_as_dict writes them, changed where a test wants it."""

from __future__ import annotations

from typing import Any


def stored_report(**changes: Any) -> dict[str, Any]:
    """Return a report of a verified run; ``bytes_by_class`` is completed with zeros."""
    report: dict[str, Any] = {
        "strategy": "legacy",
        "strategy_version": "1.0",
        "profile": "standard",
        "packets": 1_234,
        "bytes": 9_000,
        "connections": 2,
        "streams": 4,
        "http_streams": 3,
        "requests": 5,
        "responses": 1,
        "bytes_by_class": {"header": 1_000, "framing": 20, "body": 5_000},
        "masked_bytes": 5_000,
        "sliced_bytes": 0,
        "gaps": 0,
        "retransmitted_segments": 0,
        "out_of_order_segments": 0,
        "unknown_link_types": {},
        "left_bytes": {},
        "left_out_bytes": 0,
        "dropped_metadata": {},
        "limits_met": {},
        "warnings": [],
        "warnings_left_out": 0,
        "not_understood": "",
        "input_bytes": 10_000,
        "output_bytes": 10_000,
        "duration_ms": 40.0,
        "throughput_bytes_per_s": 225_000.0,
        "latency_ms": 6.6667,
        "peak_rss_bytes": 98_000_000,
        "verification": {
            "passed": True,
            "packets": 1_234,
            "masked_bytes": 5_000,
            "http_streams": 3,
            "header_blocks": 6,
        },
    }
    verification = changes.pop("verified", None)
    if verification is not None:
        report["verification"] = {**report["verification"], **verification}
    return {**report, **changes}
