"""One look at the active rollout, in a process of its own that is held on its way.

``python -m tests.services.rollouts.looking SEAM`` says "held" when it has come to the seam, and
goes on when it is sent a line.  Then it says what came of the look.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Final
from unittest.mock import patch

import django

django.setup()

from django.utils import timezone  # noqa: E402 - apps must be there first

from migration import controller, counting, evaluator  # noqa: E402 - see above
from migration.controller import OvertakenError  # noqa: E402 - see above
from migration.evaluator import Evaluator  # noqa: E402 - see above
from migration.moves import MoveRefusedError  # noqa: E402 - see above


def hold() -> None:
    """Wait until somebody says go on."""
    sys.stdout.write("held\n")
    sys.stdout.flush()
    sys.stdin.readline()


def before(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that is held before it begins."""

    def held(*args: Any, **kwargs: Any) -> Any:
        hold()
        return step(*args, **kwargs)

    return held


def behind(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step that is held when it is done."""

    def held(*args: Any, **kwargs: Any) -> Any:
        found = step(*args, **kwargs)
        hold()
        return found

    return held


SEAMS: Final[dict[str, tuple[Any, str, Callable[[Callable[..., Any]], Callable[..., Any]]]]] = {
    # within the transaction that counts
    "counting": (counting, "_counted", behind),
    # everything is counted and loaded, and nothing is applied
    "loaded": (evaluator, "apply_move", before),
    # within the transaction that moves
    "moving": (controller, "_write", behind),
}


def main() -> None:
    """Look once."""
    module, name, how = SEAMS[sys.argv[1]]
    held = patch.object(module, name, how(getattr(module, name))).start()
    apply_move = held if name == "apply_move" else controller.apply_move
    refused = ""

    def noted(*args: Any) -> Any:
        nonlocal refused
        try:
            return apply_move(*args)
        except (OvertakenError, MoveRefusedError) as error:
            refused = type(error).__name__
            raise

    with patch.object(evaluator, "apply_move", noted):
        decision = Evaluator().look(timezone.now())
    move = None if decision is None else decision.move
    sys.stdout.write(json.dumps({"move": move, "refused": refused}))


if __name__ == "__main__":
    main()
