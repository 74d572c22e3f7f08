"""What a fuzzer calls with bytes: each target returns, or raises because something is wrong.

Right is: a documented refusal, or an output that passed its verification.  Hangs and memory are
the fuzzer's to find.  An output that its verification refuses is not offered to anybody, so the
fuzzer goes on; each kind is noted with its bytes, because a strategy and its judge differ there.
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.trimming.engine.formats.walks import walks_differ
from tests.trimming.engine.strategies.differential.difference import differences_in
from trimming.engine.errors import InputError, VerificationError
from trimming.engine.options import PROFILES, TrimOptions
from trimming.engine.pipeline import trim
from trimming.engine.strategies.registry import load_strategy

# rules that refused an output, to bytes that led there
Unverified = dict[str, bytes]
unverified: Final[Unverified] = {}
RULE: Final = re.compile(r"\(([a-z-]+)\)")
# a bomb is refused, and small enough not to take the time of others
MAX_UNPACKED_BYTES: Final = 1 << 21
TOO_MUCH: Final = 16


class WrongError(AssertionError):
    """Something that must never be; the fuzzer keeps the bytes."""


def options_for(data: bytes) -> TrimOptions:
    """Return a profile; which one is said by the length, so that bytes alone are the case."""
    chosen = PROFILES["share_safe" if len(data) % 4 == 0 else "standard"]
    limits = replace(chosen.limits, max_unpacked_bytes=MAX_UNPACKED_BYTES)
    return replace(chosen, limits=limits)


def reader(data: bytes) -> None:
    """Walk a file record by record and in windows: both must give the same."""
    with _file(data) as folder:
        found = walks_differ(Path(folder, "in"), options_for(data).limits)
    if found:
        raise WrongError(found)


def legacy(data: bytes) -> None:
    """Trim with legacy."""
    _refused_or_verified(data, "legacy")


def scanning(data: bytes) -> None:
    """Trim with scanning, which must also say what legacy says."""
    if _refused_or_verified(data, "scanning"):
        found = differences_in(data, options_for(data))
        if found:
            raise WrongError("; ".join(found[:TOO_MUCH]))


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "reader": reader,
    "legacy": legacy,
    "scanning": scanning,
}


def _refused_or_verified(data: bytes, strategy: str) -> bool:
    with _file(data) as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        try:
            report = trim(
                source,
                target,
                lambda: load_strategy(strategy),
                options_for(data),
                clock=time.perf_counter,
                peak_rss_bytes=lambda: 0,
            )
        except InputError:
            _nothing_left(Path(folder), "in")
            return False
        except VerificationError as error:
            _nothing_left(Path(folder), "in")
            for rule in RULE.findall(str(error)):
                unverified.setdefault(rule, data)
            return True
        if report.verification is None or not report.verification.passed:
            raise WrongError("an output without a verification that it passed")
        _nothing_left(Path(folder), "in", "out")
    return True


def _nothing_left(folder: Path, *names: str) -> None:
    found = {path.name for path in folder.iterdir()} - set(names)
    if found:
        raise WrongError(f"left behind: {len(found)} files")


def _file(data: bytes) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix="pktmask-fuzzing-")
    Path(folder.name, "in").write_bytes(data)
    return folder
