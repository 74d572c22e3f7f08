"""What others published while somebody filled in a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.models import ConfigVersion

MAX_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """The versions since the one that a form was made for, the newest first.

    ``is_known`` is false for a form of a version that there is not.
    """

    base: int | None
    versions: Sequence[ConfigVersion] = ()
    is_known: bool = True
    is_cut: bool = False


def since(base: int | None, newest: int) -> Meanwhile | None:
    """Return what was published since ``base``; None when it is the newest."""
    if base == newest:
        return None
    if base is None or base > newest:
        return Meanwhile(base, is_known=False)
    found = list(
        ConfigVersion.objects.filter(number__gt=base)
        .defer("files", "console")
        .order_by("-number")[: MAX_SHOWN + 1]
    )
    return Meanwhile(base, found[:MAX_SHOWN], is_cut=len(found) > MAX_SHOWN)
