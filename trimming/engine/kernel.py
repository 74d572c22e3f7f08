"""How kernels are compiled, and where what was compiled is kept.

A kernel is a function over arrays that Numba turns into machine code.  Kernels live in folders
called ``kernels``; importing one costs the import of Numba, so everything else imports them late.
Numba notices an edit only in the file that it compiles, not in one from which it inlined.
So the cache of a folder is named by a digest over all of its sources, and over ``compiling``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

_is_interpreting = False

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
def cache_name(folder: Path) -> str:
    """Return the name, in the cache, of a folder of kernels: 16 hexadecimal digits."""
    found = blake2b(digest_size=8)
    for source in (Path(__file__).with_name("compiling.py"), *sorted(folder.glob("*.py"))):
        found.update(source.name.encode() + b"\0" + source.read_bytes())
    return found.hexdigest()


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that Python calls, at its first call, or load it from the cache.

    It runs without the GIL.
    """
    if _is_interpreting:
        return function
    from trimming.engine.compiling import compiled

    folder = Path(function.__code__.co_filename).parent
    return cast(Callable[P, R], compiled(function, str(cache_root() / cache_name(folder))))


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function that only kernels call, as a part of theirs.  Python must not call it."""
    if _is_interpreting:
        return function
    from trimming.engine.compiling import compiled_inside

    return cast(Callable[P, R], compiled_inside(function))


def interpret() -> None:
    """Leave kernels that are imported from now on as they are written.

    The answers are the same.  For a process that ends with one small capture: to load Numba takes
    longer than to read some ten packets without it.
    """
    global _is_interpreting
    _is_interpreting = True
