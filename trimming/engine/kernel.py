"""How kernels are compiled, and where what was compiled is kept.

A kernel is a function over arrays that Numba turns into machine code.  Kernels live in folders
called ``kernels``; importing one costs the import of Numba, so everything else imports them late.
Numba notices an edit only in the file that it compiles, not in one from which it inlined.
So the cache of a folder is named by a digest over all of its sources.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba.core import config

P = ParamSpec("P")
R = TypeVar("R")

CACHE_VARIABLE = "NUMBA_CACHE_DIR"


def cache_root() -> Path:
    """Return the folder of compiled kernels: ``NUMBA_CACHE_DIR``, or one in the environment.

    Where the environment is read-only and has none, it is one of the user's.
    """
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    inside = Path(sys.prefix, "kernels")
    if inside.is_dir() or os.access(sys.prefix, os.W_OK):
        return inside
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user).expanduser() / "pktmask-kernels"


@cache
def _digest(folder: Path) -> str:
    found = blake2b(digest_size=8)
    for source in sorted(folder.glob("*.py")):
        found.update(source.name.encode() + b"\0" + source.read_bytes())
    return found.hexdigest()


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function at its first call, or load it from the cache; it runs without the GIL."""
    folder = Path(function.__code__.co_filename).parent
    numba_config: Any = config  # its attributes are made at run time
    numba_config.CACHE_DIR = str(cache_root() / _digest(folder))
    compiled: Any = numba.njit(cache=True, nogil=True)(function)
    return cast(Callable[P, R], compiled)
