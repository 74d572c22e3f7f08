"""``manage.py ab_test --captures DIR``: both strategies over a set of captures."""

from __future__ import annotations

import json
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from trimming.ab_test.draw import is_share
from trimming.engine.options import PROFILES
from trimming.management.console import EXIT_BAD_INPUT, progress_bar, told_in_one_line
from trimming.profile_files import load_profile

if TYPE_CHECKING:  # who only asks for help must not pay for NumPy
    from trimming.ab_test.captures import Choice
    from trimming.ab_test.running import Terms

EXIT_DIFFERENT = 1
MAX_NAME_CHARACTERS = 200
MOST = 1000  # repetitions, and captures at a time
SEEDS = 1 << 32


class Command(BaseCommand):
    """Trims every capture of a folder with both strategies and shows where and how they differ."""

    help = "Compare legacy and scanning over a folder: exit 0 when all match, 1 when not."
    requires_system_checks: list[str] = []  # nothing to check without a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--captures",
            type=Path,
            required=True,
            metavar="DIR",
            help="looked through with all folders in it; what is no capture is skipped and listed",
        )
        parser.add_argument("--json", action="store_true", help="print the result as one object")
        parser.add_argument(
            "--html", type=Path, metavar="FILE", help="write one page with pictures"
        )
        parser.add_argument("--store", metavar="NAME", help="keep the result for the console")
        profiles = f"built in are: {', '.join(sorted(PROFILES))}"
        parser.add_argument(
            "--profile", default="standard", metavar="NAME|FILE.yaml", help=profiles
        )
        for name, (_, default, metavar, said) in NUMBERS.items():
            parser.add_argument(f"--{name}", default=default, metavar=metavar, help=said)

    def handle(self, *args: Any, **options: Any) -> None:
        """Test, print, and exit with 0 (all match), 1 (not), 2 (bad input or usage) or 130."""
        from trimming.ab_test.shown import is_clean

        with told_in_one_line():
            for name, (read, *_) in NUMBERS.items():
                options[name] = read(f"--{name}", str(options[name]))
            _check_ends(options)
            terms = _terms(options)
            result = self._result(_choice(options), terms, options)
            if options["html"]:
                _write_page(result, options)
        if options["store"]:
            _store(result, options["store"])
        if options["json"]:
            self.stdout.write(json.dumps(result))
        else:
            self._show(result)
        if not is_clean(result["summary"]):
            sys.exit(EXIT_DIFFERENT)

    def _result(self, choice: Choice, terms: Terms, options: dict[str, Any]) -> dict[str, Any]:
        from trimming.ab_test.result import as_result
        from trimming.ab_test.running import run_all

        total, done = len(choice.captures), 0
        with progress_bar({"captures": "captures"}, quiet=options["json"]) as show:

            def count() -> None:
                nonlocal done
                done += 1
                if show is not None:
                    show("captures", done, total)

            try:
                with _interrupted_by_sigterm():
                    rows = run_all(choice.captures, terms, count)
            except OSError as error:
                raise _refused(f"the test could not go on: {error.strerror}") from None
        return as_result(choice, options["sample"], rows, terms, timezone.now())

    def _show(self, result: Mapping[str, Any]) -> None:
        from rich.console import Console

        from trimming.ab_test.tables import tables

        console = Console(file=self.stdout, highlight=False, soft_wrap=True)  # type: ignore[arg-type]  # Django's wrapper writes text
        for part in tables(result):
            console.print(part)


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Let the signal that ends processes do what Ctrl-C does: what runs is ended and removed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terms(options: dict[str, Any]) -> Terms:
    from trimming.ab_test.running import Terms

    return Terms(
        options=load_profile(options["profile"]),
        extra=settings.TRIMMING_STRATEGIES,
        seed=options["seed"],
        repeat=options["repeat"],
        jobs=options["jobs"],
        deadline_seconds=options["deadline"],
    )


def _choice(options: dict[str, Any]) -> Choice:
    """Return what is tested; refuse a folder without any capture."""
    from trimming.ab_test.captures import choose

    folder: Path = options["captures"]
    try:
        choice = choose(folder, options["sample"], options["seed"])
    except OSError as error:
        raise _refused(f"{folder}: {error.strerror}") from None
    if choice.captures:
        return choice
    if choice.left_out:
        raise _refused(
            f"{folder}: the sample is empty: none of {choice.left_out} captures is in a share of"
            f" {options['sample']:g}; choose a larger one or another --seed"
        )
    others = f" ({len(choice.skipped)} other files)" if choice.skipped else ""
    raise _refused(f"{folder}: holds no capture{others}")


def _check_ends(options: dict[str, Any]) -> None:
    """Refuse before the work what would fail after it."""
    page: Path | None = options["html"]
    if page is not None and (page.is_dir() or not page.parent.is_dir()):
        raise _refused(f"{page}: is a folder, or in one that does not exist")
    if options["store"] is None:
        return
    if not 0 < len(options["store"].strip()) <= MAX_NAME_CHARACTERS:
        raise _refused(f"--store takes a name of 1 to {MAX_NAME_CHARACTERS} characters")
    from django.db import DatabaseError

    from trimming.models import OfflineTest

    try:
        OfflineTest.objects.exists()
    except DatabaseError:
        raise _refused("--store needs the database: run manage.py migrate first") from None


def _write_page(result: Mapping[str, Any], options: dict[str, Any]) -> None:
    from trimming.ab_test.report import as_html
    from trimming.engine.output import AtomicOutput

    with AtomicOutput(options["html"]) as output:
        output.write([as_html(result).encode()])
        output.commit()


def _store(result: Mapping[str, Any], name: str) -> None:
    from trimming.models import OfflineTest

    OfflineTest.objects.create(
        at=timezone.now(), name=name.strip(), captures=result["summary"]["captures"], result=result
    )


def _refused(sentence: str) -> CommandError:
    return CommandError(sentence, returncode=EXIT_BAD_INPUT)


def _share(name: str, text: str) -> float:
    share = _number(name, text)
    if not is_share(share):
        raise _refused(f"{name} takes a share above 0 and at most 1, not {text!r}")
    return share


def _seconds(name: str, text: str) -> float:
    seconds = _number(name, text)
    if not 0 < seconds < float("inf"):
        raise _refused(f"{name} takes a number of seconds above 0, not {text!r}")
    return seconds


def _count(name: str, text: str) -> int:
    if not (_is_whole(text) and 0 < int(text) <= MOST):
        raise _refused(f"{name} takes a whole number from 1 to {MOST}, not {text!r}")
    return int(text)


def _seed(name: str, text: str) -> int:
    if not (_is_whole(text) and int(text) < SEEDS):
        raise _refused(f"{name} takes a whole number from 0 to {SEEDS - 1}, not {text!r}")
    return int(text)


def _is_whole(text: str) -> bool:
    return text.isdecimal() and len(text) <= len(str(SEEDS))


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refused(f"{name} takes a number, not {text!r}") from None


# option to how it is read, its default, what it is, and its help
NUMBERS: Mapping[str, tuple[Callable[[str, str], float], str, str, str]] = {
    "sample": (_share, "1", "SHARE", "test only this share of the captures: above 0, at most 1"),
    "seed": (_seed, "1", "N", "draws the sample and who goes first; by default 1"),
    "repeat": (_count, "1", "N", "run each strategy N times"),
    "jobs": (_count, "1", "N", "captures at a time; with more than 1 times say less"),
    "deadline": (
        _seconds,
        "3600",
        "SECONDS",
        "a run that takes longer has failed; by default 3600",
    ),
}
