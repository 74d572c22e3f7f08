"""What is measured together: which subjects, on which captures, in how many rounds.

In a round every variant runs once on every capture of the series, one behind the other, so that
what slows the machine for a while slows all of them. Rounds of all series take turns as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.captures import Dataset, Recipe
from benchmarks.sizes import parse_size_bytes


@dataclass(frozen=True, slots=True)
class Series:
    """Subjects that are compared on the same captures.

    Attributes:
        amounts: of the captures, ascending: bytes of web traffic, or connections of one packet.
    """

    name: str
    dataset: Dataset
    amounts: tuple[int, ...]
    subjects: tuple[str, ...]
    rounds: int

    def recipes(self, seed: int) -> list[Recipe]:
        """Return the captures of the series, in the order of ``amounts``."""
        return [Recipe(self.dataset, amount, seed) for amount in self.amounts]


def _bytes(*sizes: str) -> tuple[int, ...]:
    return tuple(parse_size_bytes(size) for size in sizes)


LARGE = "large"
GIGABYTE = "gigabyte"
SMALL = "small"
SLOW = "slow"
CONNECTIONS = "connections"

# ordered by what they need of the disk, so that a small disk leaves out the large ones
SUITE = (
    Series(SMALL, "web", _bytes("1kB", "50MB"), ("scanning", "editcap"), 5),
    Series(SLOW, "web", _bytes("12.5MB", "50MB"), ("legacy", "tshark"), 3),
    Series("scapy", "web", _bytes("1MB", "4MB"), ("scapy",), 3),
    Series("connections, slow", "single-packet", (3_000, 10_000, 30_000), ("legacy",), 1),
    Series(CONNECTIONS, "single-packet", (100_000, 300_000, 1_000_000), ("scanning", "editcap"), 3),
    Series(GIGABYTE, "web", _bytes("1GB"), ("scanning",), 3),
    Series(
        LARGE, "web", _bytes("500MB", "2GB"), ("scanning", "cp", "editcap", "tcprewrite"), rounds=5
    ),
)


def suite(subjects: Sequence[str]) -> list[Series]:
    """Return what the suite measures of the subjects."""
    narrowed = [
        replace(series, subjects=tuple(name for name in series.subjects if name in subjects))
        for series in SUITE
    ]
    return [series for series in narrowed if series.subjects]


def chosen(
    subjects: Sequence[str], size_bytes: int | None, connections: int | None, rounds: int
) -> list[Series]:
    """Return series on a quarter of a size and the whole, and on a tenth to all connections."""
    series = []
    if size_bytes is not None:
        amounts = (size_bytes // 4, size_bytes)
        series.append(Series("size", "web", amounts, tuple(subjects), rounds))
    if connections is not None:
        steps = (connections // 10, connections * 3 // 10, connections)
        series.append(Series("connections", "single-packet", steps, tuple(subjects), rounds))
    return series


def without_room(
    plan: Sequence[Series], seed: int, free_bytes: int
) -> tuple[list[Series], list[str]]:
    """Return the series that the disk has room for, and a sentence for each that it has not.

    A capture takes its size twice, with its expected form, and once more while it is trimmed.
    """
    fitting: list[Series] = []
    left_out: list[str] = []
    made: set[Recipe] = set()
    for series in plan:
        recipes = made | set(series.recipes(seed))
        output_bytes = max(recipe.about_bytes for recipe in recipes)
        needed_bytes = sum(2 * recipe.about_bytes for recipe in recipes) + output_bytes
        if needed_bytes > free_bytes:
            left_out.append(
                f"series {series.name} is left out: it needs {needed_bytes / 1e9:.1f} GB of disk"
            )
            continue
        fitting.append(series)
        made = recipes
    return fitting, left_out
