"""Processes that do one task each: started, waited for, and ended to the last one.

Belongs here: processes.  What they are asked is ``running``'s, how they answer is ``child``'s.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from trimming.engine.words import gettext_noop

ROOT = Path(__file__).resolve().parents[2]
LATE = gettext_noop("not done after %(seconds)s s")
COMMAND = (sys.executable, "-m", "trimming.ab_test.child")


class StoppedError(RuntimeError):
    """No further process is started."""


class Children:
    """A context manager that starts processes and leaves none behind.  Threads may share it.

    ``folder`` is for their temporary files; one that is killed leaves them there.
    """

    def __init__(
        self, deadline_seconds: float, folder: str, command: tuple[str, ...] = COMMAND
    ) -> None:
        self._deadline_seconds = deadline_seconds
        self._folder = folder
        self._command = command
        self._lock = Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_stopped = False

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to one task; no answer, a crash or a hang is a failure.

        Raises StoppedError once stopped, and OSError when no process can be started.
        """
        process = self._start()
        try:
            said, _ = process.communicate(json.dumps(task).encode(), self._deadline_seconds)
        except subprocess.TimeoutExpired:
            return failure(LATE % {"seconds": f"{self._deadline_seconds:g}"})
        finally:
            self._end(process)
        if self._is_stopped:
            raise StoppedError
        if process.returncode != 0:
            return failure(death(process.returncode))
        try:
            answer: dict[str, Any] = json.loads(said)
        except ValueError:
            return failure(gettext_noop("its process ended without an answer"))
        return answer

    def stop(self) -> None:
        """Kill what runs, and refuse to start anything else."""
        with self._lock:
            self._is_stopped = True
            for process in self._running:
                process.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise StoppedError
            process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                # as manage.py: no threads for linear algebra that nobody asks of it
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "TMPDIR": self._folder},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what a crash says may quote payload
            )
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.returncode is None:
            process.kill()
            process.communicate()
        with self._lock:
            self._running.discard(process)


def failure(reason: str) -> dict[str, Any]:
    """Return the answer that stands for a process without one."""
    return {"outcome": "strategy_failure", "reason": reason}


def death(returncode: int) -> str:
    """Say how a process ended that did not end well."""
    if returncode >= 0:
        return gettext_noop("its process ended with exit code %(code)d") % {"code": returncode}
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = str(-returncode)
    return gettext_noop("its process was killed by signal %(name)s") % {"name": name}
