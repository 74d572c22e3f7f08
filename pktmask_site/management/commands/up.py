"""``manage.py up``: the whole service on one machine, until Ctrl-C."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand

from config.current import Watch, begin_with, current, forget_processes_here
from config.file_watch import note_files, settings_folder, take_files_at_start
from config.files import read_files
from config.layers import ConfigurationError
from config.versions import newest_version
from monitoring.alerts.dead_man import begin_to_watch
from monitoring.conf import monitoring_settings
from pktmask_site import first_start, parts, processes
from pktmask_site.addresses import address_of, answers, host_and_port
from pktmask_site.housekeeping import Housekeeping
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.switching import finish
from pktmask_site.supervisor import TURN_SECONDS, Supervisor

START_SECONDS = 90.0


class Command(BaseCommand):
    """Sets up what is missing, starts web server, workers and monitor, and watches them."""

    help = "Start the service: web server, workers and monitor, or what PKTMASK_PARTS names."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop.  Exit code 2 for what a person must change first."""
        # what `up` does is in the audit log; here it would stand between lines for people
        logging.getLogger("pktmask.audit").setLevel(logging.WARNING)
        try:
            host, port = host_and_port(os.environ)
        except ValueError as error:
            self._refuse(str(error))
        self._begin_with_files()
        with self._lock():
            self._finish_restore()
            if self._has("web"):
                self._check_address(host, port)
            self._run(host, port)

    def _has(self, part: str) -> bool:
        """Tell whether this machine is to do that."""
        return part in self._parts

    def _begin_with_files(self) -> None:
        """Put in place what there is without a database.

        A first start with files that are not valid is refused before it makes anything; later ones
        may go by the newest version, and tell what is wrong when they take it.
        """
        try:
            begin_with(read_files(settings_folder(), needed=False))
        except ConfigurationError as wrong:
            if first_start.is_first_start():
                self._refuse(str(wrong))
            try:
                current()
            except ConfigurationError as error:
                self._refuse(str(error))

    def _finish_restore(self) -> None:
        """Finish a restore that was cut off while it put things in place."""
        try:
            finish(settings.DATA_DIR)
        except BackupError as error:
            self._refuse(str(error))

    def _run(self, host: str, port: int) -> None:
        """Set up, start, watch, and in any case end everything."""
        compiling = parts.start_compiling() if self._has("workers") else None
        mine = parts.service_parts(host, port, compiling, self._parts)
        supervisor = Supervisor(mine, monitoring_settings)
        supervisor.listen()
        gone, watch, housekeeping = True, None, None
        try:
            self._prepare()
            self._take_settings()
            watch = Watch("supervisor").start()
            begin_to_watch()
            housekeeping = Housekeeping().start()
            processes.adopt_orphans()
            if self._start(supervisor, host, port):
                self._say(f"PktMask is ready: {self._what(host, port)}  (Ctrl-C stops it)")
                if compiling is not None and compiling.poll() is None:
                    self._say("Jobs wait until the engine is compiled: once after each update.")
            supervisor.run()
        finally:
            if watch is not None:
                watch.stop()
            if housekeeping is not None:
                housekeeping.stop()
            if compiling is not None:
                processes.end_group(compiling)
            gone = supervisor.stop()
        if not gone:
            self._refuse("Some processes could not be ended; see `ps` for what they wait for.", 1)
        self._say("PktMask has stopped.")

    def _what(self, host: str, port: int) -> str:
        return address_of(host, port) if self._has("web") else " and ".join(self._parts)

    @property
    def _parts(self) -> tuple[str, ...]:
        return settings.INSTALLATION.parts

    def _prepare(self) -> None:
        self._say(f"PktMask starts; its data is in {settings.DATA_DIR}")
        if self._has("web"):
            first_start.collect_static_files()
        # machines may start at once, and one of them makes what there is to make
        with first_start.one_at_a_time():
            first_start.prepare_database()
            self._make_first_administrator()
            # whoever held a job or gave a sign here before this start is gone
            forget_processes_here()
            parts.put_right_at_start()
            first_start.make_samples()

    def _make_first_administrator(self) -> None:
        try:
            account = first_start.make_first_administrator()
        except first_start.PasswordRefusedError as error:
            self._refuse(f"{first_start.PASSWORD_VARIABLE} is not strong enough: {error}")
        if account is not None:
            # said at once: it is shown only now, whatever happens next
            shown = account.password or f"as set in {first_start.PASSWORD_VARIABLE}"
            self._say(f"Administrator: {account.name}\nPassword:      {shown}")

    def _take_settings(self) -> None:
        """Take the files as they are now; without a valid state there is nothing to go by."""
        try:
            take_files_at_start()
        except ConfigurationError as error:
            newest = newest_version()
            if newest is None:
                self._refuse(str(error))
            note_files(str(error))
            self.stderr.write(f"{error}\nVersion {newest.number} of the settings stays in force.")
        else:
            note_files("")

    def _start(self, supervisor: Supervisor, host: str, port: int) -> bool:
        """Start everything and wait for the web server; False when it was told to stop first."""
        deadline = time.monotonic() + START_SECONDS
        while not supervisor.is_told_to_stop:
            supervisor.turn()
            if not self._has("web") or answers(host, port):
                return True
            if time.monotonic() >= deadline:
                self._refuse(
                    f"The web server did not answer within {START_SECONDS:.0f} s; "
                    "the messages above say why.",
                    1,
                )
            time.sleep(TURN_SECONDS)
        return False

    def _lock(self) -> IO[str]:
        try:
            return processes.lock_folder(settings.DATA_DIR)
        except processes.InUseError as error:
            holder = f" (process {error})" if str(error) else ""
            self._refuse(
                f"PktMask already runs on the data in {settings.DATA_DIR}{holder}. "
                "Stop it first, or name another folder in PKTMASK_DATA_DIR."
            )
        except OSError as error:
            self._refuse(
                f"The data folder {settings.DATA_DIR} cannot be written: {error.strerror}. "
                "Name another one in PKTMASK_DATA_DIR."
            )

    def _check_address(self, host: str, port: int) -> None:
        try:
            processes.check_address(host, port)
        except processes.InUseError:
            self._refuse(
                f"Port {port} is in use by another program. Choose another one: PORT={port + 1}"
            )
        except OSError as error:
            self._refuse(
                f"Cannot listen on {host}, port {port}: {error.strerror}. "
                "Change PKTMASK_HOST or PORT."
            )

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _refuse(self, sentence: str, code: int = 2) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(code)
