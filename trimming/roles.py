"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

LOOK = (
    "view_capture",
    "view_trimjob",
    "view_trimrun",
    "view_profile",
    "view_routingpolicy",
    "view_breaker",
    "view_guardlease",
    "view_shadow",
    "view_offlinetest",
    "view_quarantine",
)
WORK = (
    *LOOK,
    *("add_capture", "delete_capture", "add_trimjob", "change_trimjob"),
    # both of captures of their own, or of all where ``view_all_captures`` is given as well
    *("download_capture", "inspect_capture"),
)

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    VIEWER: LOOK,
    # who sees that something goes wrong takes scanning away; giving it is another matter
    OPERATOR: (*WORK, "set_priority", "emergency_rollback"),
    APPROVER: (*LOOK, "emergency_rollback"),
    ADMINISTRATOR: (
        *WORK,
        "view_all_captures",
        "set_priority",
        "override_strategy",
        "add_profile",
        "view_download",
        "publish_policy",
        "emergency_rollback",
    ),
}
