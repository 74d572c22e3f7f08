"""Names of results: as files that a person takes away, and inside an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from trimming.names import as_file

# longest first: .pcap.gz is one ending
ENDINGS: Final = (
    ".pcapng.gz",
    ".pcap.gz",
    ".pcapng.zst",
    ".pcap.zst",
    ".cap.gz",
    ".cap.zst",
    ".pcapng",
    ".pcap",
    ".cap",
    ".gz",
    ".zst",
)
MARK: Final = ".trimmed"


def result_name(capture_name: str, is_pcapng: bool) -> str:
    """Return the name of a result: results are never compressed, and say that they are trimmed."""
    lower = capture_name.lower()
    ending = next((each for each in ENDINGS if lower.endswith(each)), "")
    stem = capture_name[: len(capture_name) - len(ending)] if ending else capture_name
    return f"{as_file(stem) or 'capture'}{MARK}{'.pcapng' if is_pcapng else '.pcap'}"


def distinct(names: Iterable[str]) -> Iterator[str]:
    """Yield each name, numbered where the same (whatever its case) came before."""
    taken: set[str] = set()
    for name in names:
        stem, dot, ending = name.rpartition(".")
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{stem} ({number}){dot}{ending}" if dot else f"{name} ({number})"
        taken.add(candidate.lower())
        yield candidate
