"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

LOOK = ("view_healthreport", "view_metricsample", "view_metricrollup")
CHECK = (*LOOK, "check_health")

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    VIEWER: LOOK,
    OPERATOR: CHECK,
    APPROVER: CHECK,
    ADMINISTRATOR: (*CHECK, "view_heartbeat"),
}
