"""``manage.py demo``: the whole service, traffic, and a rollout that plays itself, until Ctrl-C."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from config.current import adopt_newest, begin_with
from config.file_watch import settings_folder
from config.files import read_files
from config.layers import ConfigurationError
from pktmask_site import processes
from pktmask_site.addresses import address_of, answers, host_and_port
from pktmask_site.demo.people import PEOPLE, make_people
from pktmask_site.demo.player import Traffic, turn
from trimming.conf import drill_settings

# a folder with this file in it was made by a demo, and may be emptied by the next one
MARK: Final = ".demo"
TURN_SECONDS: Final = 1.0
# what an installation gathers in its folder: the database, and what lies in these folders
DATA: Final = ("pktmask.sqlite3*", "files/*", "incoming/*", "work/*")


class Command(BaseCommand):
    """Starts the service on a folder of its own, and plays."""

    help = "Start the service with short limits, traffic, and a rollout that plays itself."

    def handle(self, *args: Any, **options: Any) -> None:
        """Play until told to stop.  Exit code 2 for what a person must change first."""
        try:
            begin_with(read_files(settings_folder(), needed=False))
            is_permitted = drill_settings().permitted
        except ConfigurationError as error:
            self._refuse(str(error))
        if not is_permitted:
            self._refuse(
                "A demo gives scanning faults on purpose, which drills.permitted does not allow "
                "here: start it with `make demo`."
            )
        try:
            host, port = host_and_port(os.environ)
        except ValueError as error:
            self._refuse(str(error))
        self._empty(Path(settings.DATA_DIR))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        try:
            with self._service(host, port) as service:
                self._play(service, address_of(host, port))
        except KeyboardInterrupt:
            self._say("The demo has ended.")

    def _play(self, service: subprocess.Popen[bytes], url: str) -> None:
        password = make_people()
        names = ", ".join(f"{name} ({role})" for name, role in PEOPLE.items())
        self._say(f"People:    {names}\nPassword:  {password}\nBegin at:  {url}demo/")
        traffic = Traffic(url.rstrip("/"), password, seed=secrets.randbelow(10**6))
        traffic.start()
        try:
            while service.poll() is None and not traffic.failure:
                adopt_newest()
                act = turn()
                if act is not None:
                    self._say(f"The demo: {act.value}")
                connection.close()
                time.sleep(TURN_SECONDS)  # between two turns; nothing is waited for
        finally:
            traffic.stop()
        if traffic.failure:
            self._refuse(f"The traffic has ended: {traffic.failure}", 1)

    def _empty(self, folder: Path) -> None:
        """Begin anew; what is not a demo's is left alone."""
        try:
            lock = processes.lock_folder(folder)
        except processes.InUseError:
            self._refuse(f"A demo already runs on the data in {folder}; stop it first.")
        with closing(lock):
            found = [each for pattern in DATA for each in folder.glob(pattern)]
            if found and not (folder / MARK).exists():
                self._refuse(
                    f"{folder} has data that no demo made; name another folder in PKTMASK_DATA_DIR."
                )
            for each in found:
                if each.is_dir():
                    shutil.rmtree(each)
                else:
                    each.unlink()
            (folder / MARK).touch()

    @contextmanager
    def _service(self, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
        """Start the service as ``manage.py up`` does, and end it in order.

        Ctrl-C reaches this process only, which then tells the service.
        """
        process = processes.spawn([sys.executable, sys.argv[0], "up"], {})
        try:
            while not answers(host, port):
                if process.poll() is not None:
                    self._refuse("The service did not start; the lines above say why.", 1)
                time.sleep(TURN_SECONDS)
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _refuse(self, sentence: str, code: int = 2) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(code)
