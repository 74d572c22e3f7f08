"""Commands that need neither apps nor a database nor a server, run without starting any of them.

Starting Django's apps takes longer than trimming a small capture.  What these commands use of
Django is its way to declare a command; as any other they can be called through Django, too.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from importlib import import_module

ALONE = ("compare", "trim")
# to load Numba takes about as long as to read so much without it
INTERPRET_BELOW_BYTES = 1 << 15
# to look for garbage while modules are loaded finds none, and takes a tenth of the start-up
COLLECT_AFTER_OBJECTS = 50_000
SETTINGS = "pktmask_site.command_settings"


def is_alone(argv: Sequence[str]) -> bool:
    """Tell whether a command line is that of such a command."""
    return len(argv) > 1 and argv[1] in ALONE


def run_alone(argv: Sequence[str]) -> None:
    """Run the command of a command line; settings that somebody chose are used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    gc.set_threshold(COLLECT_AFTER_OBJECTS)
    command = import_module(f"trimming.management.commands.{argv[1]}").Command()
    command.interpret_below_bytes = INTERPRET_BELOW_BYTES  # the process ends with this capture
    try:
        command.run_from_argv(list(argv))
    finally:
        gc.freeze()  # the interpreter would look through all of it once more, at its end
