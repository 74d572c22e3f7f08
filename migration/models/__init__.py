"""Rollouts in the database."""

from migration.models.aftermath import FinalReport, RollbackDrill, Suspect
from migration.models.evidence import (
    Approval,
    ComparedCapture,
    Decision,
    Evaluation,
    EvidenceArchive,
    ImportedEvidence,
    ServedCapture,
)
from migration.models.rollouts import (
    Attempt,
    BackTest,
    LimitsApproval,
    LimitsVersion,
    Phase,
    Rollout,
    Step,
    StepPolicy,
)

__all__ = [
    "Approval",
    "Attempt",
    "BackTest",
    "ComparedCapture",
    "Decision",
    "Evaluation",
    "EvidenceArchive",
    "FinalReport",
    "ImportedEvidence",
    "LimitsApproval",
    "LimitsVersion",
    "Phase",
    "RollbackDrill",
    "Rollout",
    "ServedCapture",
    "Step",
    "StepPolicy",
    "Suspect",
]
