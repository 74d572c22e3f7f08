"""A process that publishes versions as the console does.

``python -m tests.services.publisher LAYERS [PAUSE_SECONDS]``: says "ready" once it knows the newest
version, waits for a line, then publishes one layer of the console after the other, each on what
was newest to it, and prints what came of each as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import django


def main() -> None:
    """Publish."""
    django.setup()
    from config.choices import VersionKind
    from config.layers import Given
    from config.versions import ConflictError, newest_version, publish

    layers = json.loads(sys.argv[1])
    pause_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    base = newest_version()
    _say("ready")
    sys.stdin.readline()
    for layer in layers:
        console = {
            section: {key: Given(value, "a test") for key, value in given.items()}
            for section, given in layer.items()
        }
        try:
            base = publish(base, kind=VersionKind.CONSOLE, reason="a test", console=console)
        except ConflictError as error:
            _say({"conflict": error.newest.number})
            base = newest_version()
        else:
            _say({"published": base.number, "at": time.monotonic()})
        time.sleep(pause_seconds)


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
