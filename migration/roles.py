"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

LOOK = (
    "view_rollout",
    "view_limitsversion",
    "view_limitsapproval",
    "view_backtest",
    "view_attempt",
    "view_phase",
    "view_step",
    "view_evaluation",
    "view_decision",
    "view_approval",
    "view_importedevidence",
    "view_evidencearchive",
    "view_suspect",
    "view_rollbackdrill",
    "view_finalreport",
)

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    VIEWER: LOOK,
    # four eyes: who moves a rollout does not approve its phases
    OPERATOR: (*LOOK, "operate_rollout", "abort_rollout"),
    APPROVER: (*LOOK, "approve_phase", "release_suspect", "abort_rollout"),
    ADMINISTRATOR: (*LOOK, "operate_rollout", "abort_rollout"),
}
