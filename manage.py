#!/usr/bin/env python
"""Django's command-line entry."""

import gc
import os
import sys

from trimming.management.alone import is_alone, run_alone


def main() -> None:
    """Run a management command."""
    # NumPy's library of linear algebra starts threads for what nobody asks of it here
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if is_alone(sys.argv):
        run_alone(sys.argv)
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
    # nothing becomes garbage until all apps are there; pktmask_site.apps has it looked for again
    gc.disable()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(f"{error}", file=sys.stderr)  # noqa: T201 - before there is a command that could say it
        sys.exit(2)


if __name__ == "__main__":
    main()
