"""The configuration that this process goes by, and how it comes to know of a newer one.

``current()`` asks nothing of the database, so it may be called anywhere.  A thread looks for a
newer version twice a second and puts it in place as a whole.  Work that must not see two versions
pins one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.db import close_old_connections, connections
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from config.faults import type_and_place
from config.layers import Configuration, ConfigurationError, Layer
from config.models import Adoption
from config.versions import EMPTY, effective, newest_number, newest_version, resolved

log = structlog.get_logger("pktmask.config")

LOOK_SECONDS: Final = 0.5
SIGN_SECONDS: Final = 10
MISFIT: Final = _("does not fit the environment of this process")
# a process that said nothing for so long is taken for gone
GONE_AFTER: Final = timedelta(seconds=45)

_pinned: ContextVar[Configuration | None] = ContextVar("configuration", default=None)
_in_place: Configuration | None = None
_refused = 0  # the newest version that does not fit this process's environment


def current() -> Configuration:
    """Return what is in force here; before the first version, defaults and environment.

    Raises ConfigurationError when the environment cannot be in force.
    """
    global _in_place
    pinned = _pinned.get()
    if pinned is not None:
        return pinned
    if _in_place is None:
        _in_place = resolved(EMPTY, EMPTY, 0)
    return _in_place


def begin_with(files: Layer) -> Configuration:
    """Put in place what files and environment give, until there is a version to go by.

    Raises ConfigurationError.
    """
    global _in_place
    _in_place = resolved(files, EMPTY, 0)
    return _in_place


@contextmanager
def pinned(configuration: Configuration) -> Iterator[None]:
    """Let everything that is done within see this one configuration."""
    token = _pinned.set(configuration)
    try:
        yield
    finally:
        _pinned.reset(token)


def adopt_newest() -> Configuration:
    """Put the newest version in place if it is not yet, and return what is in place.

    A version that does not fit this process's environment is left, and said once.
    """
    global _in_place, _refused
    number = newest_number()
    # without asking current(): an environment may contradict the defaults and fit the version
    if number in (_refused, 0 if _in_place is None else _in_place.version):
        return current()
    try:
        found = effective(newest_version())
    except ConfigurationError as error:
        _refused = number
        log.error("configuration_refused", version=number, reason=str(error))
        return current()
    _in_place, _refused = found, 0
    log.info("configuration_adopted", version=found.version)
    return found


def forget() -> None:
    """Forget what is in place: the environment is read anew.  For tests."""
    global _in_place, _refused
    _in_place, _refused = None, 0


class Watch:
    """Looks for a newer version beside the work of this process, and says which one counts."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._process = f"{_machine()}{os.getpid()}"
        self._stopping = threading.Event()
        self._signed: tuple[int, float] | None = None
        self._thread = threading.Thread(target=self._run, name="configuration", daemon=True)

    def start(self) -> Watch:
        """Adopt the newest version, then go on looking in a thread."""
        adopt_newest()
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread; nothing is in force here any more."""
        self._stopping.set()
        self._thread.join()
        Adoption.objects.filter(pk=self._process).delete()

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
            except Exception as error:  # the database may fail; the next look asks again
                log.warning("configuration_not_looked_at", **type_and_place(error))
            finally:
                close_old_connections()
        connections.close_all()

    def look(self) -> None:
        """Adopt what is newest, and say so when it is new or was not said for a while."""
        version = adopt_newest().version
        now = timezone.now()
        signed = (version, now.timestamp() // SIGN_SECONDS)
        if signed != self._signed:
            Adoption.objects.update_or_create(
                process=self._process,
                defaults={
                    "kind": self._kind,
                    "version": version,
                    "at": Now(),
                    "problem": MISFIT if _refused else "",
                },
            )
            self._signed = signed


def _machine() -> str:
    return f"{settings.INSTALLATION.machine}/"


def processes() -> list[Adoption]:
    """Return the processes that gave a sign lately, each with the version that it goes by."""
    return list(Adoption.objects.filter(at__gte=Now() - GONE_AFTER))


def forget_gone_processes() -> None:
    """Remove the signs of processes that are gone."""
    Adoption.objects.filter(at__lt=Now() - 2 * GONE_AFTER).delete()


def forget_processes_here() -> None:
    """Remove the signs of this machine: before anything starts, and whoever lives signs again."""
    Adoption.objects.filter(process__startswith=_machine()).delete()
