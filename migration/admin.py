"""Rollouts in the admin: approvals, moves through the same commands as anywhere, and history."""

from migration import admin_decisions, admin_evidence, admin_history
from migration.admin_approvals import ApprovalAdmin
from migration.admin_rollouts import RolloutAdmin
from migration.admin_suspects import SuspectAdmin

__all__ = [
    "ApprovalAdmin",
    "RolloutAdmin",
    "SuspectAdmin",
    "admin_decisions",
    "admin_evidence",
    "admin_history",
]
