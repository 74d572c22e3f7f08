"""What is answered: the shapes that the description of the API names."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field


class Problem(Schema):
    """A refusal, as RFC 9457 describes it."""

    type: str
    title: str
    status: int
    detail: str = Field(description="a sentence that says what to do")


class WhoAmI(Schema):
    """The token that asks."""

    user: str
    name: str = Field(description="what its owner called it")
    prefix: str
    scopes: list[str]
    expires_at: datetime


class OfferedProfile(Schema):
    """A profile that an upload may name."""

    name: str
    version: int
    description: str


class Profiles(Schema):
    """The profiles that may be chosen."""

    profiles: list[OfferedProfile]


class CaptureState(Schema):
    """A capture, and where its newest job stands."""

    id: UUID
    name: str
    owner: str
    size_bytes: int
    sha256: str
    format: str
    uploaded_at: datetime
    state: str = Field(
        description="waiting, running, done, failed, refused or cancelled; empty without a job"
    )
    percent: int = Field(description="how much of the job is done, 0 to 100")
    profile: str
    strategy: str = Field(description="the strategy that ran or was asked for; may be empty")
    reason: str = Field(description="why there is no result, in a sentence; empty otherwise")
    has_result: bool = Field(description="whether the newest job has a verified result")
    in_quarantine: bool = Field(description="whether the result is held back for the time being")
    page: str = Field(description="the path of its page")


class Captures(Schema):
    """A part of the list, the newest uploads first."""

    captures: list[CaptureState]
    page: int
    pages: int
    total: int


class TakenIn(Schema):
    """A file of an upload that is kept."""

    capture: UUID
    name: str
    url: str = Field(description="the path of its page")
    duplicate: bool = Field(description="whether you have these bytes here already")
    note: str


class NotTaken(Schema):
    """A file of an upload that is not kept."""

    name: str
    reason: str


class Uploaded(Schema):
    """What came of an upload, file by file."""

    accepted: list[TakenIn]
    refused: list[NotTaken]


class UploadRefused(Problem):
    """No file of the upload was kept; before its body was read nothing is said of files."""

    refused: list[NotTaken] = Field(default_factory=list)


class RunReport(Schema):
    """The newest result that is kept, and what its run reported."""

    capture: UUID
    attempt: int
    strategy: str
    strategy_version: str
    profile: str
    profile_version: int
    finished_at: datetime | None
    output_bytes: int | None
    output_sha256: str
    verdict: str = Field(description="ok when everything was verified; fail or unknown otherwise")
    in_quarantine: bool
    report: dict[str, Any] | None = Field(
        description="counts of the run; sizes in bytes, durations in ms; null when it was damaged"
    )


class Signature(Schema):
    """Over the name of the format, a line feed, and the statement as JSON in its plainest form."""

    algorithm: str
    key_id: str
    value: str = Field(description="in base64")


class Proof(Schema):
    """What was done to a capture, signed."""

    statement: dict[str, Any]
    signature: Signature


class PhaseState(Schema):
    """One phase of a rollout."""

    phase: str
    state: str
    shares: list[float]
    planned_seconds: float
    took_seconds: float | None
    started_at: datetime | None
    finished_at: datetime | None


class GateState(Schema):
    """What one rule says now."""

    rule: str
    verdict: str
    message: str
    is_dry: bool


class RolloutState(Schema):
    """Where a rollout stands; what comes after ``allowed`` is there once it was begun."""

    rollout: int
    name: str
    state: str
    allowed: list[str]
    attempt: int | None = None
    phases: list[PhaseState] = Field(default_factory=list)
    share: float | None = None
    verdict: str = ""
    next: str = ""
    reason: str = ""
    until: datetime | None = None
    gates: list[GateState] = Field(default_factory=list)


class RolloutNow(Schema):
    """The active rollout, else the newest one; null when there was none."""

    rollout: RolloutState | None
