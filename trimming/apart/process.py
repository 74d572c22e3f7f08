"""One piece of work in a forked process: its progress, its answer, its end.

Belongs here: fork, pipe and exit.  The process has what its parent has loaded, so it begins within
milliseconds; it has no connection, and is gone with its capture.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn

from trimming.apart import words
from trimming.apart.confinement import NO_NETWORK, confine
from trimming.engine.words import gettext_noop
from trimming.throttle import Throttle
from trimming.worker_limits import CpuTimeError

# stage, bytes done, all bytes; may raise to stop
Tell = Callable[[str, int, int], None]
Values = dict[str, Any]
Work = Callable[[Tell], Values]
# (work, tell, its folder): how work is done
Doing = Callable[[Work, Tell, Path], Values]

TELL_SECONDS: Final = 0.05
READ_BYTES: Final = 1 << 16


class DiedError(Exception):
    """The process ended without an answer, or said nothing for too long."""


def here(work: Work, tell: Tell, folder: Path) -> Values:
    """Do it in this process."""
    return work(tell)


def apart(work: Work, tell: Tell, folder: Path, *, silence_seconds: float) -> Values:
    """Do it in a process of its own, which may use ``folder`` and nothing else.

    Raises what the work raised, as far as ``words`` knows it; what ``tell`` raises; DiedError when
    the process ended otherwise, or told nothing for ``silence_seconds``.  It is gone then.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _be_child(work, folder, writing)
    os.close(writing)
    status: list[int] = []
    with _ended(child, reading, status):
        for said in _heard(reading, silence_seconds):
            match said:
                case words.Progress():
                    tell(said.stage, said.done, said.total)
                case words.Answer():
                    return said.values
                case words.Failure():
                    raise _error(said)
    raise _death(status[0])


@contextmanager
def _ended(child: int, reading: int, status: list[int]) -> Iterator[None]:
    """End the process and collect it; its status is added to what is given."""
    try:
        yield
    finally:
        os.close(reading)
        # of one that ends by itself this changes nothing
        os.kill(child, signal.SIGKILL)
        status.append(os.waitpid(child, 0)[1])


def _heard(reading: int, silence_seconds: float) -> Iterator[words.Said]:
    """Yield what is said until the process closes its end."""
    rest = b""
    waiting = select.poll()
    waiting.register(reading, select.POLLIN)
    while True:
        if not waiting.poll(silence_seconds * 1000):
            silent = gettext_noop("it said nothing for %(seconds)s s")
            raise DiedError(silent % {"seconds": f"{silence_seconds:,.0f}"})
        data = os.read(reading, READ_BYTES)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        if any(len(line) > words.MAX_LINE_BYTES for line in (*lines, rest)):
            raise DiedError(words.STRANGE)
        for line in lines:
            try:
                yield words.from_line(line)
            except ValueError:
                raise DiedError(words.STRANGE) from None


def _error(said: words.Failure) -> BaseException:
    try:
        return words.error_of(said)
    except ValueError:
        return DiedError(words.STRANGE)


def _death(status: int) -> BaseException:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGPROF:  # native code, out of CPU time
        return CpuTimeError()
    if code < 0:
        by_signal = gettext_noop("it was ended by %(signal)s")
        return DiedError(by_signal % {"signal": signal.Signals(-code).name})
    return DiedError(gettext_noop("it ended without an answer"))


def _be_child(work: Work, folder: Path, writing: int) -> NoReturn:
    """Do the work and end, whatever happens; nothing of the parent is tidied up here."""
    code = 1
    try:
        # what the parent keeps must not be collected here: its ends would speak to others
        gc.freeze()
        code = _child(work, folder, writing)
    finally:
        os._exit(code)


def _child(work: Work, folder: Path, writing: int) -> int:
    from trimming.worker_limits import limit_files, limited_job, room_behind

    due = Throttle(TELL_SECONDS, time.monotonic)
    last = ""

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal last
        if due() or stage != last:
            last = stage
            _say(writing, words.Progress(stage=stage, done=done, total=total))

    said: words.Said
    try:
        with room_behind(), limited_job():
            limit_files()
            confine(folder, frozenset({writing}))
            said = words.Answer(values=work(tell))
    except BaseException as error:
        said = words.failure_of(_behind(error))
    # the parent may have gone
    with suppress(BrokenPipeError):
        _say(writing, said)
    return 0


def _behind(error: BaseException) -> BaseException:
    """Return the limit that an error comes from, where it does, else the error."""
    from trimming.worker_limits import limit_behind

    found = limit_behind(error)
    refused = (found, found.__context__)
    if any(isinstance(each, OSError) and each.errno == NO_NETWORK for each in refused):
        return words.NetworkError()
    return found


def _say(writing: int, said: words.Said) -> None:
    data = said.model_dump_json().encode() + b"\n"
    while data:
        data = data[os.write(writing, data) :]
