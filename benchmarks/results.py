"""What was measured: single runs, and all of one measuring with the machine that it was done on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Run:
    """One variant on one capture, in one round of a series.

    Attributes:
        amount: bytes asked for of the web data set, connections of the single-packet data set.
        command: with placeholders, so that it names no folder.
        correct: whether the output was the expected one; None when it was not to be compared.
        peak_rss_bytes: at least that of the measuring process, some 20 MB.
        report: what the command said of itself.
    """

    series: str
    round_number: int
    variant: str
    dataset: str
    amount: int
    command: str
    input_bytes: int
    exit_code: int
    correct: bool | None
    first_difference_offset: int | None
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    report: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether the command succeeded and wrote nothing wrong."""
        return self.exit_code == 0 and self.correct is not False


@dataclass(frozen=True, slots=True)
class Result:
    """One measuring.

    Attributes:
        command: the arguments that it was asked with.
        machine: as ``describe_machine`` gives it.
        seconds: how long all of it took, the making of the captures included.
        left_out: sentences that say what was not measured, and why.
    """

    command: str
    commit: str | None
    machine: dict[str, str | int | float | None]
    versions: dict[str, str]
    seed: int
    seconds: float
    left_out: Sequence[str]
    runs: Sequence[Run]

    def write(self, path: Path) -> None:
        """Write all of it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what ``write`` wrote.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not JSON.
            TypeError: it holds something else.
        """
        fields = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**fields, "runs": [Run(**run) for run in fields["runs"]]})
