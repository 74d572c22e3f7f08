"""What can be measured, as a table: add a row for another strategy or a peer."""

import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to call a subject.

    Attributes:
        label: what the tables call it.
        command: the arguments, with {python}, {input} and {output} to be filled in.
        masks: its output must equal the expected form; a copying peer's is not looked at.
    """

    label: str
    command: tuple[str, ...]
    masks: bool = True

    def arguments(self, capture: Path, output: Path) -> list[str]:
        """Return the command for one run."""
        places = {"python": sys.executable, "input": str(capture), "output": str(output)}
        return [argument.format_map(places) for argument in self.command]


def _trim(strategy: str) -> tuple[Variant, ...]:
    command = ("{python}", "manage.py", "trim", "{input}", "{output}", "--strategy", strategy)
    return (
        Variant("verified", (*command, "--json")),
        Variant("--no-verify", (*command, "--no-verify", "--json")),
    )


SUBJECTS: dict[str, tuple[Variant, ...]] = {
    "legacy": _trim("legacy"),
}
