"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

LOOK = (
    "view_healthreport",
    "view_metricsample",
    "view_metricrollup",
    "view_alert",
    "view_alertrule",
    "view_silence",
    "view_report",
)
CHECK = (
    *LOOK,
    "check_health",
    "acknowledge_alert",
    "silence_alerts",
    "change_alertrule",
    "make_report",
)

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    VIEWER: LOOK,
    OPERATOR: (*CHECK, "test_channels"),
    APPROVER: CHECK,
    ADMINISTRATOR: (*CHECK, "test_channels", "view_heartbeat", "view_notification"),
}
