"""Command that writes a capture and its expected masked form from a seed.

Usage: python -m benchmarks.generator OUT.pcap --expected EXPECTED.pcap --size 50MB --seed 1
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets import write_single_packet, write_web
from benchmarks.sizes import parse_size_bytes

DATASETS = ("web", "single-packet")


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate what ``arguments`` ask for and print the counts as one JSON object."""
    options = _parser().parse_args(arguments)
    tally: Counter[str]
    match options.dataset:
        case "web":
            tally = write_web(options.capture, options.expected, options.size, options.seed)
        case _:
            tally = write_single_packet(
                options.capture, options.expected, options.connections, options.seed
            )
    print(json.dumps({"dataset": options.dataset, "seed": options.seed, **tally}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generator", description=__doc__)
    parser.add_argument("capture", type=Path, metavar="OUT.pcap")
    parser.add_argument("--expected", type=Path, required=True, metavar="EXPECTED.pcap")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dataset", choices=DATASETS, default="web")
    parser.add_argument(
        "--size", type=parse_size_bytes, default="50MB", help="of the web data set (default 50MB)"
    )
    parser.add_argument(
        "--connections", type=int, default=10**6, help="of the single-packet data set"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
