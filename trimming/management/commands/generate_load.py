"""``manage.py generate_load``: synthetic captures through the real upload, and faults."""

from __future__ import annotations

import json
import os
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from config.current import adopt_newest
from trimming import drills
from trimming.load.schedule import read_mix, schedule
from trimming.load.sending import ServiceError, Session, Tally, send_all
from trimming.routing_choices import FaultKind

PASSWORD_VARIABLE: Final = "PKTMASK_LOAD_PASSWORD"
MOST_CONNECTIONS: Final = 200
MOST_CAPTURES: Final = 1_000_000
PROGRESS_SECONDS: Final = 1.0


class Command(BaseCommand):
    """Uploads captures at a rate, and gives a strategy a fault meanwhile."""

    help = "Send synthetic captures through the real upload, for demos, tests and drills."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service is")
        parser.add_argument(
            "--user", default="admin", help=f"signs in with the password in {PASSWORD_VARIABLE}"
        )
        parser.add_argument(
            "--password-file", type=Path, metavar="FILE", help=f"instead of {PASSWORD_VARIABLE}"
        )
        parser.add_argument("--rate", type=float, default=2.0, help="captures a second")
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--seconds", type=float, default=60.0, help="how long")
        length.add_argument("--count", type=int, help="how many captures, instead of how long")
        parser.add_argument(
            "--mix",
            default="small=85,medium=14,broken=1",
            help="weights of 45 kB, 2.2 MB, 47 MB, and files that are no captures",
        )
        parser.add_argument("--connections", type=int, default=8, help="uploads at a time")
        parser.add_argument("--seed", type=int, default=1, help="another seed, other captures")
        parser.add_argument(
            "--fault", choices=FaultKind.values, help="of a strategy, meanwhile; see docs/load.md"
        )
        parser.add_argument("--fault-strategy", default="scanning", metavar="NAME")
        parser.add_argument(
            "--fault-share", type=float, default=1.0, help="of the captures, above 0 and at most 1"
        )
        parser.add_argument(
            "--fault-seconds",
            type=float,
            help="how long the fault lasts, also when everything was sent; else as long as that",
        )
        parser.add_argument("--reason", default="", help="of the fault; kept in the audit log")
        parser.add_argument("--json", action="store_true", help="print the result as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send, and say what came of it."""
        rate, connections = options["rate"], options["connections"]
        seconds, count = _length(rate, options["seconds"], options["count"])
        if not 1 <= connections <= MOST_CONNECTIONS:
            raise CommandError(f"--connections is from 1 to {MOST_CONNECTIONS}.")
        try:
            mix = read_mix(options["mix"])
        except ValueError as error:
            raise CommandError(f"--mix: {error}.") from None
        session = Session(options["url"])
        tally = Tally()
        try:
            session.sign_in(options["user"], self._password(options["password_file"]))
            with (
                _interruptible() as stopping,
                self._fault(options, seconds, stopping),
                self._progress(tally, count),
            ):
                send_all(
                    schedule(rate, count, mix, options["seed"]),
                    session.upload,
                    seed=options["seed"],
                    connections=connections,
                    is_stopping=lambda: bool(stopping),
                    tally=tally,
                )
        except (ServiceError, drills.DrillRefusedError) as error:
            raise CommandError(str(error)) from None
        self._say(tally, as_json=options["json"])

    def _password(self, file: Path | None) -> str:
        if file is not None:
            try:
                return file.read_text().strip()
            except OSError as error:
                raise CommandError(f"--password-file: {error.strerror}: {file}") from None
        password = os.environ.get(PASSWORD_VARIABLE, "")
        if not password:
            raise CommandError(
                f"Put the password into {PASSWORD_VARIABLE}, or use --password-file."
            )
        return password

    @contextmanager
    def _fault(
        self, options: dict[str, Any], seconds: float, stopping: list[int]
    ) -> Iterator[None]:
        if options["fault"] is None:
            yield
            return
        adopt_newest()  # whether drills are permitted is a setting like any other
        lasting = options["fault_seconds"]
        drill = drills.start(
            FaultKind(options["fault"]),
            options["fault_strategy"],
            options["fault_share"],
            timedelta(seconds=seconds if lasting is None else lasting),
            # faults are given on the installation itself, so its users are known here
            actor=get_user_model().objects.filter(username=options["user"]).first(),
            reason=options["reason"],
        )
        try:
            yield
        except BaseException:
            drills.stop(drill)
            raise
        if lasting is None or stopping:
            drills.stop(drill)

    @contextmanager
    def _progress(self, tally: Tally, count: int) -> Iterator[None]:
        """Tell people once a second how far it is; nothing where no terminal listens."""
        if not self.stderr.isatty():
            yield
            return
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(PROGRESS_SECONDS):
                line = f"\r{_progress_line(tally, count)}"
                self.stderr.write(line, style_func=str, ending="")  # it is no error
                self.stderr.flush()

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.stderr.write("", style_func=str)

    def _say(self, tally: Tally, *, as_json: bool) -> None:
        found = tally.as_dict()
        if as_json:
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(
            f"{tally.sent} sent ({tally.sent_bytes / 1e6:,.1f} MB), {tally.accepted} accepted, "
            f"{tally.late} late"
        )
        for why, number in found["refused"].items():
            self.stdout.write(f"  {number} refused: {why}")
        if found["p50_seconds"] is not None:
            self.stdout.write(
                f"an upload took {found['p50_seconds']:.2f} s (median), "
                f"{found['p95_seconds']:.2f} s (95 %)"
            )


def _length(rate: float, seconds: float, count: int | None) -> tuple[float, int]:
    """Return for how many seconds, and how many captures; raises CommandError."""
    if count is not None:
        if not (rate > 0 and 1 <= count <= MOST_CAPTURES):
            raise CommandError(
                f"--rate is above 0, and --count from 1 to {MOST_CAPTURES:,} captures."
            )
        return count / rate, count
    if not (rate > 0 and 0 < rate * seconds <= MOST_CAPTURES):
        raise CommandError(
            f"--rate and --seconds are above 0, and make at most {MOST_CAPTURES:,} captures."
        )
    return seconds, max(1, round(rate * seconds))


def _progress_line(tally: Tally, count: int) -> str:
    return (
        f"{tally.sent} of {count} sent, {tally.accepted} accepted, {tally.late} late, "
        f"{tally.sent_bytes / 1e6:,.1f} MB"
    )


@contextmanager
def _interruptible() -> Iterator[list[int]]:
    """Give a list that is not empty any more once somebody wants to stop."""
    asked: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    try:
        before = {each: signal.signal(each, lambda got, _: asked.append(got)) for each in numbers}
    except ValueError:  # not the main thread: whoever runs it there stops it
        yield asked
        return
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
