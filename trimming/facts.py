"""What is kept of an attempt that has an output: the part of its report that others count with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from trimming.apart.words import MOST
from trimming.engine.report import Report
from trimming.report_views import report_as_dict


class Facts(BaseModel):
    """Fields of a run; their form is looked at, because a process that nobody trusts says them."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    strategy_version: str = Field(max_length=32)
    duration_ms: float = Field(ge=0)
    messages: int = Field(ge=0, le=MOST)
    masked_bytes: int = Field(ge=0, le=MOST)
    output_bytes: int = Field(ge=0, le=MOST)
    report: dict[str, Any]


def facts_of(report: Report) -> Facts:
    """Return what is kept of a report."""
    tally = report.tally
    return Facts(
        strategy_version=report.strategy_version,
        duration_ms=report.duration_ms,
        messages=tally.requests + tally.responses,
        masked_bytes=tally.masked_bytes,
        output_bytes=report.output_bytes,
        report=report_as_dict(report),
    )
