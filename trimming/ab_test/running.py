"""The whole test: every capture by both strategies, each run in a process of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trimming.ab_test.captures import Chosen, shown_name
from trimming.ab_test.children import Children
from trimming.ab_test.draw import ROLES, Role, order
from trimming.ab_test.judging import (
    SUCCEEDED,
    is_comparable,
    judge,
    merged,
    settled,
)
from trimming.engine.options import TrimOptions

FOLDER_PREFIX = "pktmask-ab-test-"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for every capture.

    ``extra`` are strategies beside the built-in ones; ``seed`` decides who goes first.
    """

    options: TrimOptions
    extra: Mapping[str, str]
    seed: int
    repeat: int
    jobs: int
    deadline_seconds: float


def run_all(captures: Iterable[Chosen], terms: Terms, done: Callable[[], None]) -> list[Row]:
    """Return a row for each capture, in their order; ``done`` is called after each.

    Interrupted it kills what runs and removes what was written.  Raises OSError when there is no
    room or no process can be started.
    """
    with (
        tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder,
        ThreadPoolExecutor(terms.jobs) as pool,
        Children(terms.deadline_seconds, folder) as children,
    ):
        children.ask({"task": "warm"})
        rows = [pool.submit(run_one, each, terms, children, Path(folder)) for each in captures]
        try:
            return [_result(row, done) for row in rows]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            children.stop()
            raise


def _result(row: Future[Row], done: Callable[[], None]) -> Row:
    found = row.result()
    done()
    return found


def run_one(capture: Chosen, terms: Terms, children: Children, folder: Path) -> Row:
    """Trim one capture by both strategies, as often as asked for, compare, and judge."""
    answers: dict[Role, list[dict[str, Any]]] = {role: [] for role in ROLES}
    with tempfile.TemporaryDirectory(dir=folder) as own:
        for repetition in range(terms.repeat):
            for role in order(capture.digest, terms.seed, repetition):
                answers[role].append(children.ask(_trim_task(capture, role, terms, own)))
        sides = settled({role: merged(answers[role]) for role in ROLES})
        comparison = None
        if is_comparable(sides):
            comparison = children.ask(_compare_task(capture, terms, own))
    outcome, reason = judge(sides, comparison)
    return {
        "file": shown_name(capture.path),
        "digest": capture.digest,
        "size_bytes": capture.size_bytes,
        "packets": next((s["packets"] for s in sides.values() if "packets" in s), None),
        "captured_bytes": next(
            (s["captured_bytes"] for s in sides.values() if "captured_bytes" in s), None
        ),
        "outcome": outcome,
        "reason": reason,
        "went_first": order(capture.digest, terms.seed, 0)[0],
        **{role: _side(sides[role]) for role in ROLES},
        "comparison": _compared(comparison),
    }


SIDE = (
    "version",
    "seconds",
    "cpu_seconds",
    "peak_memory_bytes",
    "start_memory_bytes",
    "masked_bytes",
    "output_bytes",
    "output_sha256",
    "bytes_by_class",
)


def _side(answer: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"outcome": answer["outcome"], "reason": answer["reason"]}
    return {**shown, **{key: answer.get(key) for key in SIDE}}


def _compared(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if answer is None or answer["outcome"] != SUCCEEDED:
        return None
    return {key: value for key, value in answer.items() if key not in ("outcome", "reason")}


def _trim_task(capture: Chosen, strategy: str, terms: Terms, folder: str) -> dict[str, Any]:
    target = str(Path(folder, "output"))
    return {**_task("trim", capture, terms), "strategy": strategy, "target": target}


def _compare_task(capture: Chosen, terms: Terms, folder: str) -> dict[str, Any]:
    return {**_task("compare", capture, terms), "strategies": list(ROLES), "folder": folder}


def _task(name: str, capture: Chosen, terms: Terms) -> dict[str, Any]:
    return {
        "task": name,
        "source": str(capture.path.resolve()),
        "profile": asdict(terms.options),
        "extra": dict(terms.extra),
    }
