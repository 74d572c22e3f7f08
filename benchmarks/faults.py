"""What the faults of tests/cluster were like, as a table in Markdown.

Usage: python -m benchmarks.faults FAULTS.jsonl [--commit ID] [--into docs/scaling.md]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.machine import describe_commit

START: Final = "<!-- faults: begin -->"
END: Final = "<!-- faults: end -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("faults", type=Path)
    parser.add_argument("--commit", default=describe_commit(), help="of the run, where not this")
    parser.add_argument("--into", type=Path)
    options = parser.parse_args(arguments)
    lines = options.faults.read_text(encoding="utf-8").splitlines()
    table = shown([json.loads(line) for line in lines], options.commit)
    print(table)
    if options.into:
        before, _, rest = options.into.read_text(encoding="utf-8").partition(START)
        text = f"{before}{START}\n\n{table}\n\n{END}{rest.partition(END)[2]}"
        options.into.write_text(text, encoding="utf-8")
    return 0


def shown(found: Sequence[dict[str, Any]], commit: str | None) -> str:
    """Return one row for each fault; of several the median, and the largest behind it."""
    rows = [
        "| fault | given | lasted | seen | next one done | whole |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(each["fault"] for each in found):
        same = [each for each in found if each["fault"] == name]
        values = [
            _range([each[key] for each in same])
            for key in ("lasted_s", "refused", "normal_after_s", "whole_after_s")
        ]
        lasted, refused, normal, whole = values
        rows.append(f"| {name} | {len(same)} | {lasted} s | {refused} | {normal} s | {whole} s |")
    return "\n".join(
        [*rows, "", f"At commit `{commit}`, two cores for all of it and for other tests beside."]
    )


def _range(values: Sequence[float]) -> str:
    middle, most = median(values), max(values)
    return f"{middle:g}" if len(values) == 1 or middle == most else f"{middle:g}, at most {most:g}"


if __name__ == "__main__":
    sys.exit(main())
