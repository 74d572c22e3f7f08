"""What people do with a rollout: make, start, pause, resume, promote, restart, abort.

Pages, the admin and commands call these.  Nothing waits here: what takes long goes on in the
background.  ``actor`` is None for who works at the machine itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.auth.models import PermissionsMixin
from django.db import IntegrityError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config.current import current
from config.languages.told import in_record, listed, told
from config.layers import quoted
from config.sections import accepted, fits, number, registry
from migration.choices import ACTIVE, ApprovalState, Move, RolloutState
from migration.conf import RolloutLimits, rollout_limits
from migration.controller import OvertakenError, apply_move
from migration.counting import count
from migration.decision import Decision as Decided
from migration.decision import Situation, decide
from migration.effects import MODES
from migration.gates.table import holding
from migration.models import Decision, LimitsVersion, Rollout
from migration.moves import MoveRefusedError, row_of
from migration.situation import load
from migration.wanted import Actor, Wanted
from trimming.engine.strategies.registry import available
from trimming.policy import permitted_modes
from trimming.routing import TREATMENT

# the permission of each wish
PERMISSIONS: Final[Mapping[Move, str]] = {
    **dict.fromkeys(
        (Move.START, Move.PAUSE, Move.RESUME, Move.PROMOTE, Move.RESTART),
        "migration.operate_rollout",
    ),
    Move.ABORT: "migration.abort_rollout",
}
FORWARD: Final = (Move.REQUEST, Move.STEP, Move.PROMOTE, Move.COMPLETE)


class RefusedError(Exception):
    """It cannot be done; the text says why and what to do.  Nothing was changed."""


def create(name: str, limits: Mapping[str, Any], actor: Actor, now: datetime) -> Rollout:
    """Make a draft; raises RefusedError for limits that are none."""
    _may(Move.START, actor)
    checked(limits)
    rollout = Rollout.objects.create(
        name=name.strip()[:100] or _("Rollout"),
        created_at=now,
        created_by_id=None if actor is None else actor.pk,
    )
    if limits:
        first = LimitsVersion.objects.create(
            rollout=rollout,
            number=1,
            values=dict(limits),
            reason=gettext_noop("as it was made"),
            author_id=None if actor is None else actor.pk,
            author_name="" if actor is None else actor.get_username(),
            at=now,
        )
        # a draft moves nothing: what it begins with needs no second person
        first.approve(actor, now)
    return rollout


def checked(changes: Mapping[str, Any]) -> RolloutLimits:
    """Return the limits with ``changes``; raises RefusedError with what is accepted."""
    fields = RolloutLimits.model_fields
    for name, value in changes.items():
        if name not in fields:
            words = {"name": quoted(name), "known": listed(sorted(fields))}
            raise RefusedError(_("%(name)s is no limit; expected one of: %(known)s.") % words)
        if not fits(fields[name], value):
            words = {"name": name, "value": quoted(value), "accepted": told(accepted(fields[name]))}
            raise RefusedError(_("%(name)s is %(value)s; expected %(accepted)s.") % words)
    found = RolloutLimits(**{**rollout_limits().model_dump(), **changes})
    _refuse_contradictions(found)
    return found


def _refuse_contradictions(limits: RolloutLimits) -> None:
    """Hold limits to the rules between settings."""
    own: dict[str, Any] = {f"{limits.section}.{name}": value for name, value in limits}
    for rule in registry.rules:
        names = (rule.lower, rule.upper)
        if not own.keys() & set(names):
            continue
        values = [own[name] if name in own else current().value(*name.split(".")) for name in names]
        low, high = cast(list[float], values)
        if low < high or (rule.or_equal and low == high):
            continue
        words = {
            "lower": f"{rule.lower} ({number(low)})",
            "upper": f"{rule.upper} ({number(high)})",
            "why": told(rule.reason),
        }
        raise RefusedError(_("%(lower)s must be below %(upper)s: %(why)s.") % words)


def begin(
    name: str, limits: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> Rollout:
    """Make a rollout and start it; where that is refused no draft is left behind."""
    _may(Move.START, actor)
    _needs_reason(reason)
    _is_possible()
    if Rollout.objects.filter(state__in=ACTIVE).exists():
        raise RefusedError(_another_is_active())
    rollout = create(name, limits, actor, now)
    start(rollout, actor, reason, now)
    return rollout


def why_not_now() -> str:
    """Return why no rollout can be started now; empty where one can."""
    if Rollout.objects.filter(state__in=ACTIVE).exists():
        return _another_is_active()
    try:
        _is_possible()
    except RefusedError as error:
        return str(error)
    return ""


def start(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Begin with phase 1."""
    _can_go(rollout)
    return _move(rollout, Move.START, actor, reason, now)


def pause(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Let the share stay as it is; harm rolls back all the same."""
    return _move(rollout, Move.PAUSE, actor, reason, now)


def resume(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Let it go on."""
    return _move(rollout, Move.RESUME, actor, reason, now)


def restart(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Begin a new attempt, at phase 2 where the baseline still holds."""
    _can_go(rollout)
    return _move(rollout, Move.RESTART, actor, reason, now)


def abort(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Send everything to legacy, now, from whatever state."""
    return _move(rollout, Move.ABORT, actor, reason, now)


def promote(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> Decision:
    """Go on now if all gates are met, or ask for the approval; raises RefusedError otherwise."""
    _may(Move.PROMOTE, actor)
    _needs_reason(reason)
    if rollout.state not in ACTIVE:
        _refused_by_table(rollout, Move.PROMOTE)
    situation = looked_at(rollout, now)
    # somebody asks anew: a request that was rejected does not stand in the way
    with in_record():
        decided = decide(_asked_anew(situation))
    if decided.move not in FORWARD:
        raise RefusedError(_why_not(decided))
    wanted = Wanted(decided.move, reason, actor, decided.rule, situation, decided.results)
    return _applied(rollout, wanted, now)


def _asked_anew(situation: Situation) -> Situation:
    request = situation.request
    if request is None or request.state is not ApprovalState.REJECTED:
        return situation
    return replace(situation, request=None)


def _why_not(decided: Decided) -> str:
    against = [each.message for each in holding(decided.results)]
    return told(" ".join([decided.reason, *(each for each in against if each != decided.reason)]))


def looked_at(rollout: Rollout, now: datetime) -> Situation:
    """Return the situation at ``now``, with everything counted."""
    attempt = rollout.attempt
    if attempt.ended_at is None:
        count(attempt, rollout.limits(), now)
    return load(rollout, now)


def _move(rollout: Rollout, move: Move, actor: Actor, reason: str, now: datetime) -> Decision:
    _may(move, actor)
    _needs_reason(reason)
    _refused_by_table(rollout, move)
    has_attempt = rollout.state in ACTIVE
    situation = looked_at(rollout, now) if has_attempt and move is not Move.ABORT else None
    return _applied(rollout, Wanted(move, reason, actor, situation=situation), now)


def _applied(rollout: Rollout, wanted: Wanted, now: datetime) -> Decision:
    try:
        return apply_move(rollout, wanted, now)
    except (MoveRefusedError, OvertakenError) as error:
        raise RefusedError(str(error)) from error
    except IntegrityError as error:
        raise RefusedError(_another_is_active()) from error


def _another_is_active() -> str:
    return _("Another rollout is active; at most one may be. Abort or complete it first.")


def _refused_by_table(rollout: Rollout, move: Move) -> None:
    try:
        row_of(move, RolloutState(rollout.state))
    except MoveRefusedError as error:
        raise RefusedError(str(error)) from error


def _may(move: Move, actor: Actor) -> None:
    permission = PERMISSIONS[move]
    if actor is None or (isinstance(actor, PermissionsMixin) and actor.has_perm(permission)):
        return
    raise RefusedError(
        _("Only who holds the permission %(name)s may do this.") % {"name": permission}
    )


def _needs_reason(reason: str) -> None:
    if not reason.strip():
        raise RefusedError(_("Say why: every move needs a reason."))


def _can_go(rollout: Rollout) -> None:
    """Refuse before the start what would stop it in the middle."""
    _is_possible()
    # those of the settings may have been changed since
    checked(rollout.limits().model_dump())


def _is_possible() -> None:
    missing = sorted({mode.value for mode in MODES.values()} - {m.value for m in permitted_modes()})
    if missing:
        raise RefusedError(
            _(
                "A rollout needs the modes %(modes)s, which the settings do not permit; set "
                "%(names)s to true first."
            )
            % {
                "modes": listed(missing),
                "names": listed(f"routing.permit_{mode}" for mode in missing),
            }
        )
    if TREATMENT not in available(settings.TRIMMING_STRATEGIES):
        raise RefusedError(_("The scanning strategy is not installed."))
