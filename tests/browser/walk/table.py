"""Every address that answers GET, and whether it is a page; a test holds this complete.

A page may have several pictures: other tabs, other people, nothing on it yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from config.roles import APPROVER, VIEWER
from tests.attacks.addresses import all_addresses

# who signs in with the password and has not given a code, or has no second factor yet
HAS_CODE: Final = "careful"
NEEDS_CODE: Final = "newcomer"
ADMIN: Final = "admin"
NOBODY: Final = ""


@dataclass(frozen=True)
class Shown:
    """One picture of a page.

    ``known`` says which object an argument of the address stands for, as the data name it; ``who``
    looks at it.  ``is_bare``: also on a service on which nothing has happened yet.
    """

    name: str
    address: str
    query: str = ""
    known: Mapping[str, str] = field(default_factory=dict)
    who: str = ADMIN
    is_bare: bool = False
    status: int = 200

    def path(self, known: Mapping[str, Any]) -> str:
        """Return where it is, given the value of each argument."""
        address = next(each for each in all_addresses() if each.name == self.address)
        values = {name: known[self.known.get(name, name)] for name in address.arguments}
        return address.filled(values) + self.query


PAGES: Final = (
    # --- signing in -------------------------------------------------------------------------------
    Shown("sign-in", "login", who=NOBODY),
    Shown("sign-in-code", "second_factor_code", who=HAS_CODE),
    Shown("sign-in-first-second-factor", "second_factor_first", who=NEEDS_CODE),
    Shown("password", "own_password"),
    Shown("second-factor", "second_factor"),
    Shown("tokens", "tokens:page", is_bare=True),
    # --- watching ---------------------------------------------------------------------------------
    Shown("overview", "home", is_bare=True),
    Shown("health", "monitoring:health", is_bare=True),
    Shown("health-check", "monitoring:health_check", known={"pk": "check"}),
    Shown("trends-24h", "monitoring:trends", "?period=24h", is_bare=True),
    Shown("trends-7d", "monitoring:trends", "?period=7d"),
    Shown("trends-30d", "monitoring:trends", "?period=30d"),
    Shown("alerts", "alerts:list", is_bare=True),
    Shown("alerts-viewer", "alerts:list", who=VIEWER),
    Shown("alerts-resolved", "alerts:list", "?state=resolved"),
    Shown("alert", "alerts:alert"),
    Shown("alert-rules", "alerts:rules", is_bare=True),
    Shown("alert-rule", "alerts:rule", known={"pk": "rule"}),
    Shown("silences", "alerts:silences", "?matchers=rule%3Ddisk", is_bare=True),
    Shown("runbook", "alerts:runbook"),
    Shown("channels", "alerts:channels", is_bare=True),
    Shown("channel-preview-email", "alerts:preview", known={"channel": "email"}),
    Shown("channel-preview-slack", "alerts:preview", known={"channel": "slack"}),
    Shown("acknowledge", "alerts:acknowledge_link", who=NOBODY),
    Shown(
        "acknowledge-gone",
        "alerts:acknowledge_link",
        known={"token": "wrong"},
        who=NOBODY,
        status=410,
    ),
    # --- work -------------------------------------------------------------------------------------
    Shown("captures", "trimming:captures", is_bare=True),
    Shown("captures-viewer", "trimming:captures", who=VIEWER),
    Shown("captures-none-found", "trimming:captures", "?q=nothing-like-that"),
    Shown("capture", "trimming:capture"),
    Shown("proof", "trimming:proof"),
    Shown("messages", "trimming:messages"),
    Shown("packets", "trimming:packets"),
    Shown("capture-gone", "trimming:capture", known={"capture_id": "no_capture"}, status=404),
    Shown("reports", "reports:list", is_bare=True),
    Shown("report", "reports:report", known={"pk": "report"}),
    Shown("routing", "routing:page", is_bare=True),
    Shown("offline-tests", "offline_tests:list", is_bare=True),
    Shown("offline-test", "offline_tests:test"),
    # --- changing ---------------------------------------------------------------------------------
    Shown("rollout", "migration:page", is_bare=True),
    Shown("rollout-earlier", "migration:rollout", known={"number": "rolled_back"}),
    Shown("rollout-start", "migration:start", is_bare=True),
    Shown("limits", "migration:limits", known={"number": "rollout"}),
    Shown("suspects", "migration:suspects", known={"number": "rolled_back"}),
    Shown("suspects-none", "migration:suspects", known={"number": "rollout"}),
    Shown("configuration", "config:configuration", is_bare=True),
    Shown("configuration-viewer", "config:configuration", who=VIEWER),
    Shown("versions", "config:versions", is_bare=True),
    Shown("version", "config:version", known={"number": "version"}),
    Shown("maintenance", "maintenance:page", is_bare=True),
    Shown("audit", "audit:page"),
    Shown("audit-none-found", "audit:page", "?what=nothing-like-that"),
    Shown("no-permission", "maintenance:page", who=VIEWER, status=403),
    Shown("demo", "demo:page", is_bare=True),
    Shown("style", "style:page"),
    # --- help -------------------------------------------------------------------------------------
    Shown("help", "help:start"),
    Shown("help-document", "help:document", known={"document": "alerts_manual"}),
    # --- the admin's main pages -------------------------------------------------------------------
    Shown("admin", "admin:index"),
    Shown("admin-approver", "admin:index", who=APPROVER),
    Shown("admin-approvals", "admin:migration_approval_changelist", who=APPROVER, is_bare=True),
    Shown(
        "admin-approval",
        "admin:migration_approval_change",
        known={"path:object_id": "approval", "object_id": "approval"},
        who=APPROVER,
    ),
    Shown("admin-jobs", "admin:trimming_trimjob_changelist", is_bare=True),
    Shown("admin-history", "admin:trimming_profile_history", known={"object_id": "profile"}),
)

# by the names of their pictures; on the service on which nothing happened there is nobody else yet
ON_BUSY: Final[Mapping[str, Shown]] = {each.name: each for each in PAGES}
ON_BARE: Final[Mapping[str, Shown]] = {
    f"{each.name}-bare": replace(each, who=ADMIN) for each in PAGES if each.is_bare
}

# what GET answers with otherwise, and why there is no picture of it
NO_PAGES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *("monitoring:metrics", "monitoring:healthz", "monitoring:readyz", "proof_keys"),
            *("badge", "api:openapi-json", "api:nothing", "api:token", "api:captures"),
            *("api:status", "api:report", "api:proof", "api:download", "api:profiles"),
            "api:rollout",
        ),
        "for machines",
    ),
    **dict.fromkeys(
        (
            *("monitoring:overview_data", "monitoring:health_data", "monitoring:trends_data"),
            *("alerts:data", "alerts:channels_data", "trimming:row", "migration:data"),
            *("config:processes", "demo:data", "alerts:preview_mail"),
        ),
        "a part of a page",
    ),
    **dict.fromkeys(
        (
            *("trimming:download", "trimming:proof_file", "reports:html", "reports:json"),
            *("audit:export", "offline_tests:picture", "help:picture", "trimming:export"),
        ),
        "a file",
    ),
    "admin/password_change/": "leads to the page of the console",
}
