"""A move that somebody wants, with what it goes by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from migration.choices import Move
from migration.decision import Decision, Situation
from migration.gates.results import Result

# None where the rollout moves by itself, or who works at the machine moves it
Actor = AbstractBaseUser | AnonymousUser | None


def is_allowed(actor: Actor, permission: str) -> bool:
    """Tell whether somebody may; who works at the machine itself may."""
    return actor is None or (isinstance(actor, PermissionsMixin) and actor.has_perm(permission))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A move that somebody, or the rollout itself, wants.  ``extra`` is for the audit log."""

    move: Move
    reason: str
    actor: Actor = None
    rule: str = ""
    situation: Situation | None = None
    results: tuple[Result, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, decided: Decision, situation: Situation) -> Wanted:
        """Return what a decision wants."""
        assert decided.move is not None  # a rollout that holds wants nothing
        return cls(decided.move, decided.reason, None, decided.rule, situation, decided.results)
