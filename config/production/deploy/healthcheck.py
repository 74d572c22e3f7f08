"""Whether what this container is to do is being done; exit code 1 when not.

The web server is asked.  Of workers and monitor a process must be there: whether they do anything
is watched by the supervisor, which starts them anew.  For the health checks of containers; it needs
nothing but Python.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

PARTS = "web,workers,monitor"
TIMEOUT_SECONDS = 4.0


def wanted(environ: Mapping[str, str]) -> list[str]:
    """Return the parts of this container."""
    return [part.strip() for part in (environ.get("PKTMASK_PARTS") or PARTS).split(",")]


def web_answers(environ: Mapping[str, str]) -> bool:
    """Return whether the web server answers that it lives."""
    host = (environ.get("PKTMASK_ALLOWED_HOSTS") or "localhost").split(",")[0].strip()
    connection = http.client.HTTPConnection(
        "127.0.0.1", int(environ.get("PORT") or "8000"), timeout=TIMEOUT_SECONDS
    )
    try:
        connection.request("GET", "/healthz", headers={"Host": host.lstrip(".*") or "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def commands(proc: Path = Path("/proc")) -> Iterable[list[str]]:
    """Yield the command lines of all processes."""
    for path in proc.glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it ended right now


def runs(part: str, running: Iterable[Collection[str]]) -> bool:
    """Return whether a process does the part."""
    return any(
        part in words and any(word.endswith("manage.py") for word in words) for words in running
    )


def main() -> int:
    """Return the exit code."""
    running = list(commands())
    lacking = [
        part
        for part in wanted(os.environ)
        if not (web_answers(os.environ) if part == "web" else runs(part, running))
    ]
    if lacking:
        sys.stdout.write(f"not at work: {', '.join(lacking)}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
