"""Which section of the manuals each page of the console is about: the table of the "?".

Pages are called by the names of their addresses, those of the administration by the model, or by
all of it.  A test holds the table against the addresses and the sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MANUAL: Final = "operations/HTTP_SCANNING_OPERATIONS_MANUAL"
DEPLOYMENT: Final = "deployment/HTTP_SCANNING_DEPLOYMENT_GUIDE"

SECTIONS: Final[Mapping[str, str]] = {
    # --- watching ---------------------------------------------------------------------------------
    "home": f"{MANUAL}#the-overview",
    "monitoring:health": f"{MANUAL}#health",
    "monitoring:health_check": f"{MANUAL}#health",
    "monitoring:trends": f"{MANUAL}#trends-and-capacity",
    "demo:page": "training/README",
    "style:page": "console",
    # --- alerts -----------------------------------------------------------------------------------
    "alerts:list": f"{MANUAL}#alerts",
    "alerts:alert": f"{MANUAL}#alerts",
    "alerts:acknowledge_link": f"{MANUAL}#alerts",
    "alerts:silences": f"{MANUAL}#silences",
    "alerts:channels": f"{MANUAL}#channels",
    "alerts:preview": f"{MANUAL}#channels",
    "alerts:rules": f"{MANUAL}#rules-of-your-own",
    "alerts:rule": f"{MANUAL}#rules-of-your-own",
    # --- captures ---------------------------------------------------------------------------------
    "trimming:captures": f"{MANUAL}#captures",
    "trimming:export": f"{MANUAL}#captures",
    "trimming:capture": f"{MANUAL}#captures",
    "trimming:messages": f"{MANUAL}#looking-into-a-capture",
    "trimming:packets": f"{MANUAL}#looking-into-a-capture",
    "trimming:proof": f"{MANUAL}#proofs",
    "offline_tests:list": f"{MANUAL}#offline-tests",
    "offline_tests:test": f"{MANUAL}#offline-tests",
    # --- routing and rollouts ---------------------------------------------------------------------
    "routing:page": f"{MANUAL}#routing",
    "migration:page": f"{DEPLOYMENT}#the-five-phases",
    "migration:rollout": f"{DEPLOYMENT}#the-five-phases",
    "migration:start": f"{DEPLOYMENT}#start-the-rollout",
    "migration:limits": f"{MANUAL}#limits-of-a-rollout",
    "migration:suspects": f"{DEPLOYMENT}#after-a-rollback",
    # --- reports ----------------------------------------------------------------------------------
    "reports:list": f"{MANUAL}#reports",
    "reports:report": f"{MANUAL}#reports",
    # --- running the service ----------------------------------------------------------------------
    "config:configuration": f"{MANUAL}#configuration",
    "config:versions": f"{MANUAL}#configuration",
    "config:version": f"{MANUAL}#configuration",
    "maintenance:page": f"{MANUAL}#maintenance",
    "audit:page": f"{MANUAL}#the-audit-log",
    "tokens:page": f"{MANUAL}#tokens-of-scripts",
    "own_password": f"{MANUAL}#people-and-sign-in",
    "second_factor": f"{MANUAL}#people-and-sign-in",
    # --- the administration -----------------------------------------------------------------------
    "admin": f"{MANUAL}#the-administration",
    "admin:auth_user": f"{MANUAL}#people-and-sign-in",
    "admin:auth_group": f"{MANUAL}#people-and-sign-in",
    "admin:config_auditevent": f"{MANUAL}#the-audit-log",
    "admin:config_configversion": f"{MANUAL}#configuration",
    "admin:migration_approval": f"{DEPLOYMENT}#approve-a-phase",
    "admin:migration_rollout": f"{DEPLOYMENT}#the-five-phases",
    "admin:monitoring_alert": f"{MANUAL}#alerts",
    "admin:pktmask_site_apitoken": f"{MANUAL}#tokens-of-scripts",
    "admin:trimming_capture": f"{MANUAL}#captures",
    "admin:trimming_profile": f"{MANUAL}#profiles",
    "admin:trimming_quarantine": f"{DEPLOYMENT}#after-a-rollback",
    "admin:trimming_routingpolicy": f"{MANUAL}#routing",
}
# these show documents themselves
DOCUMENTS: Final = ("help:start", "help:document")
# documents, without a section
BEGINNING: Final = "README"


def section_of(page: str) -> str:
    """Return document and section about a page; the start of the documentation where it has none.

    ``page`` is the name of its address, as in ``admin:trimming_profile_changelist``.
    """
    model = page.rpartition("_")[0]
    space = page.partition(":")[0]
    for name in (page, model, space):
        if name in SECTIONS:
            return SECTIONS[name]
    return BEGINNING
