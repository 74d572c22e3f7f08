"""Who may ask for which address, and how: one row for each, reviewed one by one.

The columns are: somebody who is not signed in, viewer, operator, approver, administrator, and the
operator who owns the object of the address.  All others ask for an object of somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

NOBODY: Final = "nobody"
OWNER: Final = "owner"
WHO: Final = (NOBODY, VIEWER, OPERATOR, APPROVER, ADMINISTRATOR, OWNER)

# let through to what the address does | led to the sign-in | refused (403) | told that there is no
# such thing (404) | asked for a token (401) | the method is not answered (405)
YES, IN, NO, GONE, TOKEN, NONE = "yes", "in", "no", "gone", "token", "none"
Columns = tuple[str, str, str, str, str, str]

PUBLIC: Final[Columns] = (YES, YES, YES, YES, YES, YES)
WITH_TOKEN: Final[Columns] = (TOKEN, YES, YES, YES, YES, YES)
BEGIN_AGAIN: Final[Columns] = (IN, IN, IN, IN, IN, IN)
# scripts have tokens, and nobody else has a say
ONLY_TOKENS: Final[Columns] = (TOKEN, TOKEN, TOKEN, TOKEN, TOKEN, TOKEN)
NOT_THERE: Final[Columns] = (GONE, GONE, GONE, GONE, GONE, GONE)
SIGNED_IN: Final[Columns] = (IN, YES, YES, YES, YES, YES)
WORKING: Final[Columns] = (IN, NO, YES, YES, YES, YES)
OPERATING: Final[Columns] = (IN, NO, YES, NO, YES, YES)
APPROVING: Final[Columns] = (IN, NO, NO, YES, NO, NO)
ADMINISTERING: Final[Columns] = (IN, NO, NO, NO, YES, NO)
# what belongs to somebody is not there for others
OWN: Final[Columns] = (IN, GONE, GONE, GONE, YES, YES)
# nor may every role do it with what is theirs
OWN_BY_ROLE: Final[Columns] = (IN, NO, GONE, NO, YES, YES)
# only where faults on purpose are permitted
NOT_HERE: Final[Columns] = (IN, GONE, GONE, GONE, GONE, GONE)
NEVER: Final[Columns] = (IN, NONE, NONE, NONE, NONE, NONE)
NEVER_PUBLIC: Final[Columns] = (NONE, NONE, NONE, NONE, NONE, NONE)


@dataclass(frozen=True)
class Row:
    """Who may GET, and who may POST; ``known`` says which object an argument stands for."""

    get: Columns = NEVER
    post: Columns = NEVER
    known: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


ROWS: Final[Mapping[str, Row]] = {
    # --- without a sign-in ------------------------------------------------------------------------
    "login": Row(PUBLIC, PUBLIC),
    "alerts:acknowledge_link": Row(PUBLIC, PUBLIC),
    "monitoring:healthz": Row(PUBLIC, NEVER_PUBLIC),
    "monitoring:readyz": Row(PUBLIC, NEVER_PUBLIC),
    "monitoring:metrics": Row(WITH_TOKEN, NEVER_PUBLIC),
    "proof_keys": Row(PUBLIC, NEVER_PUBLIC),
    "badge": Row(WITH_TOKEN, NEVER_PUBLIC),
    # without a right password before it leads to the sign-in, whoever asks
    "second_factor_code": Row(BEGIN_AGAIN, BEGIN_AGAIN),
    "second_factor_first": Row(BEGIN_AGAIN, BEGIN_AGAIN),
    # --- the account ------------------------------------------------------------------------------
    "logout": Row(NEVER, SIGNED_IN),
    "language": Row(NEVER, SIGNED_IN, data={"language": "zh-hans", "next": "/"}),
    "own_password": Row(SIGNED_IN, SIGNED_IN),
    "second_factor": Row(SIGNED_IN, SIGNED_IN),
    "admin/password_change/": Row(SIGNED_IN, SIGNED_IN),
    "tour:end": Row(NEVER, SIGNED_IN),
    "tour:again": Row(NEVER, SIGNED_IN),
    "tokens:page": Row(SIGNED_IN, SIGNED_IN),
    # one's own, and for administrators everybody's
    "tokens:revoke": Row(NEVER, OWN, known={"pk": "api_token"}),
    # --- the API: a cookie lets nobody in; tests/pktmask_site/api asks with tokens ----------------
    "api:openapi-json": Row(PUBLIC, NEVER_PUBLIC),
    "api:nothing": Row(NOT_THERE, NOT_THERE),
    "api:token": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:captures": Row(ONLY_TOKENS, ONLY_TOKENS),
    "api:status": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:report": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:proof": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:download": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:profiles": Row(ONLY_TOKENS, NEVER_PUBLIC),
    "api:rollout": Row(ONLY_TOKENS, NEVER_PUBLIC),
    # --- captures ---------------------------------------------------------------------------------
    "trimming:captures": Row(SIGNED_IN),
    "trimming:upload": Row(NEVER, OPERATING),
    "trimming:archive": Row(NEVER, OPERATING),
    "trimming:export": Row(SIGNED_IN),
    "trimming:many": Row(NEVER, OPERATING, data={"act": "retry"}),
    "trimming:capture": Row(OWN),
    "trimming:row": Row(OWN),
    "trimming:download": Row(OWN_BY_ROLE),
    "trimming:messages": Row(OWN_BY_ROLE),
    "trimming:packets": Row(OWN_BY_ROLE),
    "trimming:proof": Row(OWN),
    "trimming:proof_file": Row(OWN),
    "trimming:cancel": Row(NEVER, OWN),
    "trimming:retry": Row(NEVER, OWN),
    "trimming:run_again": Row(NEVER, OWN),
    "trimming:delete": Row(NEVER, OWN),
    "trimming:delete_original": Row(NEVER, OWN),
    # --- routing and offline tests ----------------------------------------------------------------
    "routing:page": Row(SIGNED_IN, ADMINISTERING),
    "routing:rollback": Row(NEVER, WORKING),
    "offline_tests:list": Row(SIGNED_IN),
    "offline_tests:test": Row(SIGNED_IN),
    "offline_tests:picture": Row(SIGNED_IN, known={"name": "picture"}),
    # --- watching ---------------------------------------------------------------------------------
    "home": Row(SIGNED_IN),
    "monitoring:overview_data": Row(SIGNED_IN),
    "monitoring:health": Row(SIGNED_IN),
    "monitoring:health_data": Row(SIGNED_IN),
    "monitoring:check": Row(NEVER, WORKING),
    "monitoring:health_check": Row(SIGNED_IN, known={"pk": "check"}),
    "monitoring:trends": Row(SIGNED_IN),
    "monitoring:trends_data": Row(SIGNED_IN),
    # --- alerts -----------------------------------------------------------------------------------
    "alerts:list": Row(SIGNED_IN),
    "alerts:data": Row(SIGNED_IN),
    "alerts:alert": Row(SIGNED_IN),
    "alerts:runbook": Row(SIGNED_IN),
    "alerts:acknowledge": Row(NEVER, WORKING),
    "alerts:dead_letters": Row(NEVER, WORKING),
    "alerts:silences": Row(SIGNED_IN, WORKING),
    "alerts:end_silence": Row(NEVER, WORKING, known={"pk": "silence"}),
    "alerts:rules": Row(SIGNED_IN, WORKING),
    "alerts:rule": Row(SIGNED_IN, WORKING, known={"pk": "rule"}),
    "alerts:rule_mode": Row(NEVER, WORKING, known={"pk": "rule"}),
    "alerts:channels": Row(SIGNED_IN),
    "alerts:channels_data": Row(SIGNED_IN),
    "alerts:test_channel": Row(NEVER, OPERATING),
    "alerts:channel_letters": Row(NEVER, WORKING),
    "alerts:preview": Row(OPERATING),
    "alerts:preview_mail": Row(OPERATING, known={"channel": "mail"}),
    # --- reports ----------------------------------------------------------------------------------
    "reports:list": Row(SIGNED_IN),
    "reports:make": Row(NEVER, WORKING),
    "reports:report": Row(SIGNED_IN, known={"pk": "report"}),
    "reports:html": Row(SIGNED_IN, known={"pk": "report"}),
    "reports:json": Row(SIGNED_IN, known={"pk": "report"}),
    "reports:mail": Row(NEVER, WORKING, known={"pk": "report"}),
    # --- rollouts; what each act of `act` needs is the table in tests/migration -------------------
    "migration:page": Row(SIGNED_IN),
    "migration:start": Row(OPERATING, OPERATING),
    "migration:rollout": Row(SIGNED_IN, known={"number": "rollout"}),
    "migration:data": Row(SIGNED_IN, known={"number": "rollout"}),
    "migration:act": Row(NEVER, OPERATING, {"number": "rollout"}, {"act": "pause"}),
    "migration:replay": Row(NEVER, SIGNED_IN, known={"number": "decision"}),
    "migration:limits": Row(SIGNED_IN, OPERATING, known={"number": "rollout"}),
    "migration:approve_limits": Row(
        NEVER, APPROVING, known={"number": "rollout", "version": "limits"}
    ),
    "migration:suspects": Row(SIGNED_IN, known={"number": "rollout"}),
    "migration:rerun": Row(NEVER, OPERATING, known={"number": "rollout"}),
    "migration:release": Row(
        NEVER, APPROVING, known={"number": "rollout", "suspect_id": "suspect"}
    ),
    # --- running the service ----------------------------------------------------------------------
    "config:configuration": Row(SIGNED_IN, ADMINISTERING),
    "config:processes": Row(SIGNED_IN),
    "config:versions": Row(SIGNED_IN),
    "config:version": Row(SIGNED_IN, known={"number": "version"}),
    "config:restore": Row(NEVER, ADMINISTERING, known={"number": "version"}),
    "maintenance:page": Row(ADMINISTERING),
    "maintenance:run": Row(NEVER, ADMINISTERING),
    "audit:page": Row(ADMINISTERING),
    "audit:export": Row(ADMINISTERING),
    # for developers: staff and administrators; what its forms send does nothing
    "style:page": Row(ADMINISTERING, ADMINISTERING),
    "help:start": Row(SIGNED_IN),
    "help:document": Row(SIGNED_IN),
    "help:picture": Row(SIGNED_IN, known={"picture": "help_picture"}),
    # elsewhere it says how to start one
    "demo:page": Row(SIGNED_IN),
    "demo:data": Row(NOT_HERE),
    "demo:fault": Row(NEVER, NOT_HERE),
}

# --- the admin: only staff and approvers are let in; the columns are of these ---------------------
# a viewer who is staff sees what such an operator sees
STAFF: Final = (OPERATOR, APPROVER, ADMINISTRATOR)
ALL: Final = frozenset(STAFF)
ADMINISTRATORS: Final = frozenset({ADMINISTRATOR})
SUPERUSERS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class Model:
    """Which of the staff may look at rows of a model, and who may add or change one.

    ``owned``: rows are somebody's, and to others there are none.  Nobody deletes anything.
    """

    look: frozenset[str]
    change: frozenset[str] = frozenset()
    owned: bool = False


MODELS: Final[Mapping[str, Model]] = {
    "auth.user": Model(SUPERUSERS),
    "auth.group": Model(SUPERUSERS),
    "pktmask_site.apitoken": Model(ADMINISTRATORS),
    "config.auditevent": Model(ADMINISTRATORS),
    "config.configversion": Model(ALL),
    "trimming.capture": Model(ALL, owned=True),
    "trimming.trimjob": Model(ALL, owned=True),
    "trimming.trimrun": Model(ALL, owned=True),
    "trimming.quarantine": Model(ALL, owned=True),
    "trimming.shadow": Model(ALL, owned=True),
    "trimming.download": Model(ADMINISTRATORS, owned=True),
    "trimming.profile": Model(ALL, change=ADMINISTRATORS),
    "trimming.offlinetest": Model(ALL),
    "trimming.routingpolicy": Model(ALL),
    "trimming.breaker": Model(ALL),
    "trimming.guardlease": Model(ALL),
    "monitoring.heartbeat": Model(ADMINISTRATORS),
    "monitoring.notification": Model(ADMINISTRATORS),
    "monitoring.monitorlease": Model(SUPERUSERS),
    **{
        f"monitoring.{name}": Model(ALL)
        for name in (
            *("alert", "alertrule", "healthreport", "metricrollup", "metricsample"),
            *("report", "silence"),
        )
    },
    "django_q.failure": Model(SUPERUSERS),
    "django_q.schedule": Model(SUPERUSERS),
    "django_q.ormq": Model(SUPERUSERS),
    **{
        f"migration.{name}": Model(ALL)
        for name in (
            *("approval", "attempt", "decision", "evaluation", "evidencearchive", "finalreport"),
            *("importedevidence", "limitsversion", "phase", "rollbackdrill", "rollout", "step"),
            # names of captures only for who may see them
            "suspect",
        )
    },
}
PAGES_OF_MODELS: Final = ("changelist", "add", "history", "delete", "change")
# asked apart; `admin:migration_rollout_act` and approvals have a table in tests/migration
ADMIN_ROWS: Final = frozenset(
    {
        *("admin:index", "admin:login", "admin:logout", "admin:app_list", "admin:jsi18n"),
        *("admin:password_change", "admin:password_change_done", "admin:autocomplete"),
        *("admin:view_on_site", "admin:auth_user_password_change"),
        *("admin:migration_rollout_act", "admin/(?P<url>.*)$"),
    }
)
