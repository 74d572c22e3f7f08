"""What is put in order in a restored database before anybody works with it.

Time has passed since the backup, and nobody knows what was done meanwhile.  So nothing goes on by
itself that could do harm: scanning is given to nobody, rollouts stand, messages whose fate is
unknown are not sent.  Jobs do go on: a job that is done twice is published once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from config.audit import record
from migration.choices import ACTIVE, Move
from migration.controller import apply_move
from migration.models import Rollout
from migration.wanted import Wanted
from monitoring.alerts.models import (
    Alert,
    AlertTelling,
    Notification,
    NotificationState,
    note_change,
)
from monitoring.alerts.values import AlertState, TellingState, Why
from pktmask_site.recovery.choices import UNDER_WAY
from pktmask_site.recovery.manifest import Manifest
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.stored_files import note_missing
from trimming import shadow_queue
from trimming.choices import JobState
from trimming.intake import RESTORED
from trimming.models import Shadow, TrimJob
from trimming.policy import emergency_rollback, newest_policy
from trimming.routing_choices import Mode, ShadowState
from trimming.sweeper import take_back

# which rule moved a rollout; see migration.decision
RULE: Final = "restore"
EVERY_WORKER: Final = ""


def put_in_order(manifest: Manifest, now: datetime) -> list[str]:
    """Put a restored database in order; return what was done, as sentences."""
    reason = _("Restored from the backup of %(at)s UTC.") % {
        "at": f"{manifest.made_at:%Y-%m-%d %H:%M:%S}"
    }
    done = [
        _jobs(),
        _treatment(reason, now),
        _messages(now),
        _files(),
    ]
    # whoever was at it, or waited for it, was so on another day; the backup itself was among them
    UpkeepRun.objects.filter(state__in=UNDER_WAY).delete()
    record(RESTORED, made_at=manifest.made_at.isoformat(), files=manifest.files_choice)
    return [sentence for sentence in done if sentence]


def _jobs() -> str:
    """Have the jobs begun anew that were running; it does not count against them."""
    taken = take_back(EVERY_WORKER, forgiven=True)
    return (
        _("Jobs that were running and wait again: %(count)s.") % {"count": taken} if taken else ""
    )


def _treatment(reason: str, now: datetime) -> str:
    """Send everything to legacy under a new epoch, and end what could give scanning again.

    A rollout is rolled back, with its open and its decided requests: to go on somebody restarts it.
    """
    for rollout in Rollout.objects.filter(state__in=ACTIVE):
        apply_move(rollout, Wanted(Move.ROLL_BACK, reason, rule=RULE), now)
    before = newest_policy()
    if not before.stands_back:
        emergency_rollback(reason=reason)
    shadow_queue.drop_outdated()
    return _("Everything goes to legacy until somebody publishes a policy or starts a rollout.")


def _messages(now: datetime) -> str:
    """Put messages aside that may have been sent since; alerts that still fire are told anew."""
    with transaction.atomic():
        pending = Notification.objects.filter(state=NotificationState.PENDING)
        count = pending.update(
            state=NotificationState.SUPPRESSED,
            why=Why.RESTORED.value,
            ended_at=now,
            claimed_by="",
            claimed_until=None,
        )
        waiting = AlertTelling.objects.filter(state=TellingState.WAITING)
        count += waiting.update(state=TellingState.SUPPRESSED, why=Why.RESTORED.value)
        Alert.objects.filter(state=AlertState.FIRING).exclude(repeat_at=None).update(repeat_at=now)
        note_change()
    if not count:
        return ""
    return _("Messages of alerts that were put aside: %(count)s.") % {"count": count}


def _files() -> str:
    """Say of files that are not there that they are gone."""
    gone = note_missing()
    return (
        _("Files that are not there, as their rows say now: %(count)s.") % {"count": gone}
        if gone
        else ""
    )


def is_in_order() -> bool:
    """Tell whether nobody is given scanning and nothing is half done: for drills."""
    policy = newest_policy()
    is_off = policy.mode == Mode.LEGACY and policy.stands_back
    goes_on = (
        TrimJob.objects.filter(state=JobState.RUNNING).exists()
        or Shadow.objects.filter(state=ShadowState.RUNNING).exists()
        or Rollout.objects.filter(state__in=ACTIVE).exists()
        or Notification.objects.filter(state=NotificationState.PENDING).exists()
    )
    return is_off and not goes_on
