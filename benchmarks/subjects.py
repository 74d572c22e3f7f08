"""What can be measured, as a table: add a row for another strategy or a peer."""

import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from trimming.engine.strategies.registry import available


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to call a subject.

    Attributes:
        label: what the tables call it; no other variant has it.
        command: the arguments, with {python}, {input} and {output} to be filled in.
        masks: its output must equal the expected form; a peer's is not looked at.
        programs: what must be on the machine for it.
        strategy: the strategy that it calls, which must be registered.
    """

    label: str
    command: tuple[str, ...]
    masks: bool = True
    programs: tuple[str, ...] = ()
    strategy: str = ""

    def arguments(self, capture: Path, output: Path) -> list[str]:
        """Return the command for one run."""
        places = {"python": sys.executable, "input": str(capture), "output": str(output)}
        return [argument.format_map(places) for argument in self.command]

    def absent(self) -> list[str]:
        """Return what is missing for it: programs, or its strategy."""
        missing = [program for program in self.programs if shutil.which(program) is None]
        if self.strategy and self.strategy not in available():
            missing.append(f"strategy {self.strategy}")
        return missing


def _trim(strategy: str) -> tuple[Variant, ...]:
    command = ("{python}", "manage.py", "trim", "{input}", "{output}", "--strategy", strategy)
    return (
        Variant(strategy, (*command, "--json"), strategy=strategy),
        Variant(f"{strategy} --no-verify", (*command, "--no-verify", "--json"), strategy=strategy),
    )


def _copier(command: str) -> tuple[Variant, ...]:
    """Return a peer as it is, and one that waits for the disk as `trim` does."""
    program = command.split()[0]
    synced = f'{command} "$1" "$2" && sync "$2"'
    return (
        Variant(program, (*command.split(), "{input}", "{output}"), False, (program,)),
        Variant(
            f"{program} + sync",
            ("sh", "-c", synced, "sh", "{input}", "{output}"),
            False,
            (program, "sync"),
        ),
    )


SUBJECTS: dict[str, tuple[Variant, ...]] = {
    "scanning": _trim("scanning"),
    "legacy": _trim("legacy"),
    "cp": _copier("cp"),
    "editcap": _copier("editcap -F pcap"),
    "tcprewrite": (
        Variant(
            "tcprewrite",
            ("tcprewrite", "--fixcsum", "-i", "{input}", "-o", "{output}"),
            False,
            ("tcprewrite",),
        ),
    ),
    # a table of HTTP statistics needs every packet dissected and every stream reassembled
    "tshark": (
        Variant("tshark", ("tshark", "-r", "{input}", "-q", "-z", "http,tree"), False, ("tshark",)),
    ),
    "scapy": (
        Variant(
            "scapy loop",
            ("{python}", "-m", "benchmarks.scapy_loop", "{input}", "{output}"),
            masks=False,
        ),
    ),
}


def variants_of(subjects: Iterable[str]) -> list[Variant]:
    """Return the variants of the subjects that can be called on this machine, in their order."""
    named = [variant for subject in subjects for variant in SUBJECTS[subject]]
    return [variant for variant in named if not variant.absent()]


def absences(subjects: Iterable[str]) -> list[str]:
    """Return one sentence for each variant that cannot be called on this machine."""
    return [
        f"{variant.label} is left out: {', '.join(absent)} not on this machine"
        for subject in subjects
        for variant in SUBJECTS[subject]
        if (absent := variant.absent())
    ]
