"""Taking an offline test as evidence for the mismatch bound: recorded, and shown apart."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.audit import SYSTEM, record
from migration.choices import ACTIVE
from migration.models import ImportedEvidence, Rollout
from migration.wanted import Actor, is_allowed
from trimming.ab_test.judging import MATCHED, MISMATCHED
from trimming.models import OfflineTest
from trimming.routing import CONTROL, TREATMENT

PERMISSION: Final = "migration.operate_rollout"


class EvidenceRefusedError(Exception):
    """The test cannot be taken; the text says why."""


def import_test(rollout: Rollout, number: int, actor: Actor, now: datetime) -> ImportedEvidence:
    """Take an offline test for the present attempt; raises EvidenceRefusedError.

    It must be of the same versions of both strategies, and no older than the attempt's build.
    """
    if not is_allowed(actor, PERMISSION):
        raise EvidenceRefusedError(
            _("Only who holds the permission %(name)s may import evidence.") % {"name": PERMISSION}
        )
    if rollout.state not in ACTIVE:
        raise EvidenceRefusedError(_("Evidence is taken while a rollout is active."))
    test = OfflineTest.objects.filter(pk=number).first()
    if test is None:
        raise EvidenceRefusedError(_("There is no offline test %(n)s.") % {"n": number})
    attempt = rollout.attempt
    versions = test.result.get("strategies", {})
    ours = {CONTROL: attempt.control_version, TREATMENT: attempt.treatment_version}
    for strategy, version in ours.items():
        found = versions.get(strategy)
        if not version or found != version:
            words = {"strategy": strategy, "found": found or "?", "ours": version or "?"}
            raise EvidenceRefusedError(
                _("The test is of version %(found)s of %(strategy)s, the attempt of %(ours)s.")
                % words
            )
    matched, mismatched = _counts(test)
    try:
        with transaction.atomic():
            row: ImportedEvidence = ImportedEvidence.objects.create(
                attempt=attempt,
                offline_test=test,
                matched=matched,
                mismatched=mismatched,
                actor_id=None if actor is None else actor.pk,
                actor_name=SYSTEM if actor is None else actor.get_username(),
                at=now,
            )
            record("evidence_imported", actor=actor, target=rollout, test=test.pk)
    except IntegrityError as error:
        raise EvidenceRefusedError(_("This test was taken before.")) from error
    return row


def _counts(test: OfflineTest) -> tuple[int, int]:
    """Return how many captures both strategies agreed on, and on how many not."""
    outcomes = [each.get("outcome") for each in test.result.get("captures", [])]
    return outcomes.count(MATCHED), outcomes.count(MISMATCHED)
