from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.datasets import write_single_packet, write_web
from tests.benchmarks.reading import (
    Direction,
    Record,
    Segment,
    Stream,
    parse,
    read_records,
    reassemble,
)

WEB_BYTES = 6_000_000
SINGLE_PACKET_CONNECTIONS = 5_000


@dataclass(frozen=True)
class Pair:
    """A generated capture and its expected form, read back."""

    tally: Counter[str]
    capture: list[Record]
    expected: list[Record]

    def capture_segments(self) -> list[Segment]:
        return [parse(record.frame) for record in self.capture]

    def expected_segments(self) -> list[Segment]:
        return [parse(record.frame) for record in self.expected]


@pytest.fixture(scope="package")
def web(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("web")
    return _pair(write_web(folder / "c", folder / "e", WEB_BYTES, seed=1), folder)


@pytest.fixture(scope="package")
def single_packet(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("single-packet")
    tally = write_single_packet(folder / "c", folder / "e", SINGLE_PACKET_CONNECTIONS, seed=1)
    return _pair(tally, folder)


@pytest.fixture(scope="package")
def web_streams(web: Pair) -> dict[Direction, Stream]:
    return reassemble(web.capture_segments())


def _pair(tally: Counter[str], folder: Path) -> Pair:
    return Pair(tally, read_records(folder / "c"), read_records(folder / "e"))
