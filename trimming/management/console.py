"""What the commands at the console share: how they end, and the bar that shows their progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from django.core.management.base import CommandError

from trimming.engine.errors import EngineError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
# called with the stage, the bytes of the file done, and all bytes of the file
ShowProgress = Callable[[str, int, int], None]


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn what goes wrong into a line on standard error and an exit code.

    Raises CommandError with the code 2 (bad input or usage) or 130 (interrupted).
    """
    try:
        yield
    except EngineError as error:
        line = " ".join(str(error).split())
        raise CommandError(line, returncode=EXIT_BAD_INPUT) from None
    except KeyboardInterrupt:
        said = "stopped; nothing was left behind"
        raise CommandError(said, returncode=EXIT_INTERRUPTED) from None


@contextmanager
def progress_bar(stages: Mapping[str, str], *, quiet: bool) -> Iterator[ShowProgress | None]:
    """Give a function that shows a bar on standard error, where a person looks at it.

    ``stages`` maps each stage to what is shown of it.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stages[stage], completed=done, total=total)

        yield show
