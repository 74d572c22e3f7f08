"""``python -m benchmarks.apart``: what it costs a small job that its capture is read apart.

The same small capture is trimmed in this process and in a process of its own, by turns.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import django

ROUNDS = 40
SILENCE_SECONDS = 60.0


def main() -> None:
    """Measure and print medians in ms."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
    django.setup()
    from benchmarks.datasets import write_web
    from trimming.apart.process import Doing, Tell, Values, apart, here
    from trimming.apart.readers import prepare
    from trimming.engine.options import PROFILES
    from trimming.engine.pipeline import trim
    from trimming.engine.strategies.registry import load_strategy
    from trimming.facts import facts_of
    from trimming.runner import peak_rss_bytes

    began = time.perf_counter()
    prepare()
    print(f"loaded once in {time.perf_counter() - began:.1f} s, {peak_rss_bytes() >> 20} MiB")
    ways: dict[str, Doing] = {
        "in the worker": here,
        "apart": partial(apart, silence_seconds=SILENCE_SECONDS),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_web(folder / "input", folder / "expected", 20_000, seed=1)
        for strategy in ("scanning", "legacy"):

            def work(tell: Tell, strategy: str = strategy) -> Values:
                report = trim(
                    folder / "input",
                    folder / "output",
                    lambda: load_strategy(strategy),
                    PROFILES["standard"],
                    clock=time.perf_counter,
                    peak_rss_bytes=peak_rss_bytes,
                    progress=tell,
                )
                return facts_of(report).model_dump()

            took: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(ROUNDS):
                for way, do in ways.items():
                    began = time.perf_counter()
                    do(work, lambda *_: None, folder)
                    took[way].append((time.perf_counter() - began) * 1000)
            for way, each in took.items():
                print(f"{strategy:8} {way:13} {statistics.median(each):6.1f} ms")


if __name__ == "__main__":
    main()
