"""The rows of this app: captures with their jobs and runs, and how jobs are routed."""

from trimming.models.captures import (
    AnyUser,
    Capture,
    CaptureQuerySet,
    Download,
    Profile,
    TrimJob,
    TrimJobQuerySet,
    TrimRun,
    TrimRunQuerySet,
    original_path,
    output_path,
)
from trimming.models.comparisons import OfflineTest, Shadow
from trimming.models.drills import Drill
from trimming.models.quarantine import Quarantine, QuarantineQuerySet
from trimming.models.routing import Breaker, GuardLease, RoutingPolicy

__all__ = [
    "AnyUser",
    "Breaker",
    "Capture",
    "CaptureQuerySet",
    "Download",
    "Drill",
    "GuardLease",
    "OfflineTest",
    "Profile",
    "Quarantine",
    "QuarantineQuerySet",
    "RoutingPolicy",
    "Shadow",
    "TrimJob",
    "TrimJobQuerySet",
    "TrimRun",
    "TrimRunQuerySet",
    "original_path",
    "output_path",
]
