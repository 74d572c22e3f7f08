"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

LOOK = ("view_capture", "view_trimjob", "view_trimrun", "view_profile")
WORK = (*LOOK, "add_capture", "delete_capture", "add_trimjob", "change_trimjob", "download_capture")

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    VIEWER: LOOK,
    OPERATOR: WORK,
    APPROVER: LOOK,
    ADMINISTRATOR: (
        *WORK,
        "view_all_captures",
        "override_strategy",
        "add_profile",
        "view_download",
    ),
}
