"""Comparing what a subject wrote with the expected form."""

from pathlib import Path

_COMPARED_BYTES = 2**20


def first_difference(one: Path, other: Path) -> int | None:
    """Return the offset of the first byte that differs as cmp(1) does, None when there is none."""
    offset = 0
    with one.open("rb") as one_file, other.open("rb") as other_file:
        while True:
            left, right = one_file.read(_COMPARED_BYTES), other_file.read(_COMPARED_BYTES)
            if left != right:
                same = zip(left, right, strict=False)
                shorter = min(len(left), len(right))
                return offset + next((i for i, (a, b) in enumerate(same) if a != b), shorter)
            if not left:
                return None
            offset += len(left)
