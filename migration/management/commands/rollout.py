"""``manage.py rollout``: looking at a rollout and moving it, from a console."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.utils import timezone

from config.current import adopt_newest
from config.layers import ConfigurationError
from migration import approvals, drills, limits_changes, operations, suspects
from migration.importing import EvidenceRefusedError, import_test
from migration.models import LimitsVersion, Rollout, Suspect
from migration.operations import RefusedError
from migration.report import as_markdown
from migration.shown import as_lines, status_of
from trimming.management.commands.emergency_rollback import signed, who
from trimming.policy import PolicyRefusedError

EXIT_REFUSED: Final = 2
REFUSALS: Final = (
    RefusedError,
    approvals.ApprovalRefusedError,
    suspects.SuspectRefusedError,
    drills.DrillRefusedError,
    EvidenceRefusedError,
    PolicyRefusedError,
    # an abort needs no settings; all others do
    ConfigurationError,
)
Operation = Callable[[Rollout, Any, str, datetime], Any]
MOVES: Final[Mapping[str, Operation]] = {
    "pause": operations.pause,
    "resume": operations.resume,
    "promote": operations.promote,
    "restart": operations.restart,
    "abort": operations.abort,
    "drill": drills.hold_drill,
}
OTHERS: Final = (
    "status",
    "start",
    "approve",
    "reject",
    "limits",
    "approve-limits",
    "import",
    "suspects",
    "rerun",
    "release",
    "report",
)


class Command(BaseCommand):
    """What pages do as well; each move needs a reason, and is in the audit log."""

    help = "Look at a rollout, start it, move it, or take it back."
    # an abort must be possible with settings that are broken
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("action", choices=sorted({*MOVES, *OTHERS}))
        parser.add_argument("--reason", default="", help="why; kept with the decision")
        parser.add_argument("--name", default="", help="of a rollout that is started")
        parser.add_argument("--rollout", type=int, help="its number; the newest one by default")
        parser.add_argument("--user", default="", help="whose wish it is, and whose permissions")
        parser.add_argument(
            "--set", action="append", default=[], metavar="LIMIT=VALUE", dest="changes"
        )
        parser.add_argument("--number", type=int, help="of limits, an offline test, or a suspect")
        parser.add_argument("--output", type=Path, help="where the report goes")
        parser.add_argument("--json", action="store_true", help="print an object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what changed; exit code 2 when nothing was changed."""
        # the limits in force, and not the defaults; an abort needs none of them
        with suppress(ConfigurationError):
            adopt_newest()
        try:
            said = self._do(options["action"], options)
        except REFUSALS as error:
            self.stderr.write(f"Nothing was changed: {error}")
            sys.exit(EXIT_REFUSED)
        if options["json"]:
            self.stdout.write(json.dumps(said, default=str))
        else:
            self.stdout.write("\n".join(as_lines(said)))

    def _do(self, action: str, options: Mapping[str, Any]) -> dict[str, Any]:
        now, actor = timezone.now(), _user(options["user"])
        reason = options["reason"].strip()
        if reason and actor is None:
            reason = signed(reason, who())
        if action == "start":
            return status_of(_started(options, actor, reason, now), now)
        rollout = _rollout(options["rollout"])
        if action in MOVES:
            MOVES[action](rollout, actor, reason, now)
            return status_of(Rollout.objects.get(pk=rollout.pk), now)
        done: Callable[..., dict[str, Any]] = getattr(self, f"_{action.replace('-', '_')}")
        return done(rollout, actor, reason, now, options)

    def _status(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        return status_of(rollout, rest[2])

    def _approve(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, reason, now = rest[:3]
        approval = _request(rollout)
        approvals.approve(approval, operations.looked_at(rollout, now), _person(actor), reason)
        return status_of(rollout, now)

    def _reject(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, reason, now = rest[:3]
        approvals.reject(_request(rollout), _person(actor), reason, now)
        return status_of(rollout, now)

    def _limits(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, reason, now, options = rest
        version = limits_changes.propose(rollout, _changes(options["changes"]), actor, reason, now)
        # somebody waits at a console anyway, and perhaps no monitor runs
        tested = limits_changes.back_test(version, now)
        return {"limits": version.number, "values": version.values, "back_test": tested.result}

    def _approve_limits(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, _reason, now, options = rest
        version = LimitsVersion.objects.filter(rollout=rollout, number=options["number"]).first()
        if version is None:
            raise RefusedError(f"there are no limits number {options['number']}; see --number.")
        limits_changes.approve(version, _person(actor), now)
        return {"limits": version.number, "values": version.values}

    def _import(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, _reason, now, options = rest
        row = import_test(rollout, options["number"] or 0, actor, now)
        return {"matched": row.matched, "mismatched": row.mismatched}

    def _suspects(self, rollout: Rollout, *_rest: Any) -> dict[str, Any]:
        rows = suspects.with_facts(Suspect.objects.filter(attempt__rollout=rollout))
        return {"suspects": [suspects.as_row(each) for each in rows]}

    def _rerun(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        rows = Suspect.objects.filter(attempt__rollout=rollout)
        return {"rerun": suspects.rerun(rows, rest[0])}

    def _release(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        actor, reason, _now, options = rest
        row = Suspect.objects.filter(attempt__rollout=rollout, pk=options["number"]).first()
        if row is None:
            raise RefusedError(f"there is no suspect {options['number']}; see rollout suspects.")
        suspects.release(row, actor, reason)
        return {"released": row.pk}

    def _report(self, rollout: Rollout, *rest: Any) -> dict[str, Any]:
        text = as_markdown(rollout, rest[2])
        output: Path | None = rest[3]["output"]
        if output is None:
            return {"report": text}
        output.write_text(text, encoding="utf-8")
        return {"written": str(output)}


def _started(options: Mapping[str, Any], actor: Any, reason: str, now: datetime) -> Rollout:
    if options["rollout"] is not None:
        rollout = _rollout(options["rollout"])
        operations.start(rollout, actor, reason, now)
        return rollout
    name = options["name"] or f"{now:%Y-%m-%d}"
    return operations.begin(name, _changes(options["changes"]), actor, reason, now)


def _rollout(number: int | None) -> Rollout:
    rows = Rollout.objects.order_by("-pk")
    found = rows.first() if number is None else rows.filter(pk=number).first()
    if found is None:
        raise RefusedError(
            'there is no such rollout; begin one with: rollout start --reason "...".'
        )
    return found


def _request(rollout: Rollout) -> Any:
    step = rollout.attempt.phase.step
    found = step.approvals.order_by("-requested_at", "-pk").first()
    if found is None:
        raise RefusedError("nothing waits for an approval.")
    return found


def _user(name: str) -> Any:
    if not name:
        return None
    found = get_user_model().objects.filter(username=name, is_active=True).first()
    if found is None:
        raise RefusedError(f"there is no active user {name[:60]!r}.")
    return found


def _person(actor: Any) -> Any:
    if actor is None:
        raise RefusedError("an approval is a person's; say whose, with --user NAME.")
    return actor


def _changes(texts: list[str]) -> dict[str, Any]:
    """Return limits by name; a value is a number where it reads like one."""
    found: dict[str, Any] = {}
    for text in texts:
        name, is_given, value = text.partition("=")
        if not is_given:
            raise RefusedError(f"{text[:60]!r} is no change; expected LIMIT=VALUE.")
        found[name.strip()] = _typed(name.strip(), value.strip())
    return found


def _typed(name: str, text: str) -> Any:
    from config.typed_values import UnacceptableError, read_typed
    from migration.conf import RolloutLimits

    field = RolloutLimits.model_fields.get(name)
    if field is None:
        known = ", ".join(sorted(RolloutLimits.model_fields))
        raise RefusedError(f"{name[:60]!r} is no limit; expected one of: {known}.")
    try:
        return read_typed(field, text)
    except UnacceptableError as error:
        raise RefusedError(f"{name}: {error}") from None
