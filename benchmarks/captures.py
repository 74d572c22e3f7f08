"""The captures of a measuring: what the generator is asked for, and having it made and cached.

The generator needs NumPy, so it runs in processes of its own: the measuring one must stay small.
"""

import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROJECT = Path(__file__).resolve().parents[1]

Dataset = Literal["web", "single-packet"]

# headers of packet and record, and the request: 571 bytes are the mean of the data set
_CONNECTION_BYTES = 600
_READ_BYTES = 2**20
_AMOUNT_OPTIONS = {"web": "--size", "single-packet": "--connections"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """One capture: ``amount`` is bytes of web traffic, or connections of one packet each."""

    dataset: Dataset
    amount: int
    seed: int

    @property
    def about_bytes(self) -> int:
        """The size of the capture, roughly."""
        return self.amount if self.dataset == "web" else self.amount * _CONNECTION_BYTES

    def capture(self, folder: Path) -> Path:
        """Return where the capture is kept."""
        return folder / f"{self.dataset}-{self.seed}-{self.amount}.pcap"

    def expected(self, folder: Path) -> Path:
        """Return where its expected masked form is kept."""
        return self.capture(folder).with_suffix(".expected.pcap")

    def output(self, folder: Path) -> Path:
        """Return where a subject is to write."""
        return self.capture(folder).with_suffix(".output.pcap")


def make_captures(recipes: Collection[Recipe], folder: Path) -> None:
    """Make what ``folder`` lacks of the captures, as many at a time as there are cores.

    Behind it the captures are on the disk, so that writing them back disturbs no measurement.
    """
    lacking = [recipe for recipe in recipes if not recipe.capture(folder).exists()]
    lacking.sort(key=lambda recipe: recipe.about_bytes, reverse=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda recipe: _make(recipe, folder), lacking))
    os.sync()


def warm(paths: Iterable[Path]) -> None:
    """Read the files, so that the page cache holds them."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(_READ_BYTES):
                pass


def _make(recipe: Recipe, folder: Path) -> None:
    capture = recipe.capture(folder)
    # a capture of this name is a whole one: one that was interrupted does not get it
    unfinished = capture.with_suffix(".part")
    command = [sys.executable, "-m", "benchmarks.generator", str(unfinished)]
    command += ["--expected", str(recipe.expected(folder)), "--seed", str(recipe.seed)]
    command += ["--dataset", recipe.dataset, _AMOUNT_OPTIONS[recipe.dataset], str(recipe.amount)]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    unfinished.rename(capture)
