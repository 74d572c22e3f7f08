"""What each role may do in this app."""

from __future__ import annotations

from collections.abc import Mapping

from config.roles import ADMINISTRATOR

ROLE_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    ADMINISTRATOR: ("view_upkeeprun", "run_upkeep", "view_apitoken", "revoke_apitoken"),
}
