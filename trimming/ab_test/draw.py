"""What is left to chance, drawn from a seed and the digest of a capture.

Two draws of the same seed and digest are the same, on every machine, whatever else is in the set.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

Role = Literal["legacy", "scanning"]
ROLES: tuple[Role, Role] = ("legacy", "scanning")

_DRAWN_BYTES = 8
_ALL = 1 << 8 * _DRAWN_BYTES


def is_share(share: float) -> bool:
    """Tell whether ``share`` is above 0 and at most 1; what is no number is not."""
    return 0 < share <= 1


def in_sample(digest: str, share: float, seed: int) -> bool:
    """Tell whether a capture is in the sample of this share.

    Raising the share only adds captures.
    """
    return _draw("sample", seed, digest) < share * _ALL


def order(digest: str, seed: int, repetition: int) -> tuple[Role, Role]:
    """Return which strategy goes first and which second."""
    first, second = ROLES
    return (second, first) if _draw(f"order {repetition}", seed, digest) % 2 else (first, second)


def _draw(what: str, seed: int, digest: str) -> int:
    drawn = sha256(f"{what} {seed} {digest}".encode()).digest()
    return int.from_bytes(drawn[:_DRAWN_BYTES], "big")
