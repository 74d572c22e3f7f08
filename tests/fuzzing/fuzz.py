"""``python -m tests.fuzzing.fuzz TARGET --seconds 120``: one target under atheris (libFuzzer).

The corpus grows in ``var/fuzzing/TARGET``; what is wrong is kept there as ``crash-``, ``timeout-``
or ``oom-`` and ends the process with another exit code than 0.  The first output that each rule of
the verification refused is kept beside it as ``unverified-``, and does not end it.  A file given
instead of seconds (``--again FILE``) is run once.  Kernels are left as they are written, or nothing
would guide there.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ["NUMBA_DISABLE_JIT"] = "1"

MOST_BYTES = 16_384
# one case, also on a machine that is busy; most take milliseconds
CASE_SECONDS = 60
MEMORY_MB = 2_048


def main() -> None:
    """Fuzz; does not return."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=("reader", "legacy", "scanning"))
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--folder", type=Path, default=Path("var/fuzzing"))
    parser.add_argument("--again", type=Path)
    asked = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["trimming.engine"]):
        from tests.fuzzing.targets import TARGETS, unverified
        from trimming.engine import window_writer  # noqa: F401 - imported late
        from trimming.engine.strategies.registry import BUILT_IN, load_strategy

        for name in BUILT_IN:
            load_strategy(name)
    from tests.fuzzing.seeds import write_seeds, write_words

    target = TARGETS[asked.target]
    if asked.again is not None:
        target(asked.again.read_bytes())
        return
    corpus = asked.folder / asked.target
    corpus.mkdir(parents=True, exist_ok=True)

    def judged(data: bytes) -> None:
        known = len(unverified)
        target(data)
        if len(unverified) > known:
            for rule, kept in unverified.items():
                (corpus.parent / f"unverified-{asked.target}-{rule}").write_bytes(kept)
                sys.stderr.write(f"UNVERIFIED {rule}\n")

    write_seeds(asked.folder / "seeds")
    write_words(asked.folder / "words")
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            str(asked.folder / "seeds"),
            f"-dict={asked.folder / 'words'}",
            f"-artifact_prefix={corpus}/",
            f"-max_total_time={asked.seconds}",
            f"-max_len={MOST_BYTES}",
            f"-timeout={CASE_SECONDS}",
            f"-rss_limit_mb={MEMORY_MB}",
            "-print_final_stats=1",
        ],
        judged,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
