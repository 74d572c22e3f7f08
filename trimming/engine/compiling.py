"""Turns kernels into machine code: the only module that imports Numba."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numba
from numba.core import config
from numba.core.compiler import Compiler

BLAS = "scipy.linalg"


def _begin_without_blas() -> None:
    """Import the part of Numba that would ask SciPy for BLAS, and spare a quarter of the start.

    No kernel multiplies matrices.  SciPy itself can be imported as ever after this.
    """
    if BLAS in sys.modules:
        return  # it is paid for
    missing: dict[str, Any] = sys.modules  # None: an import of it fails
    missing[BLAS] = None
    try:
        import_module("numba.np.arraymath")
    finally:
        del sys.modules[BLAS]


_begin_without_blas()
_config: Any = config  # its attributes are made at run time
_LIGHTLY = type(_config.OPT)(1)


class _Inner(Compiler):
    """Compiles as far as another kernel needs: no machine code, lightly optimised.

    Who calls it links all of it in, and optimises and translates the whole, once.
    """

    def compile_extra(self, function: Callable[..., object]) -> object:
        before = _config.OPT
        _config.OPT = _LIGHTLY
        self.state.flags.no_compile = True
        try:
            compile_extra: Any = super().compile_extra  # without types
            result = compile_extra(function)
        finally:
            _config.OPT = before
        # callers find it by its entry point, which must be a built-in function: any one of its own
        entry_point = [function.__name__].append
        self.state.targetctx.insert_user_function(entry_point, result.fndesc, [result.library])
        return result._replace(entry_point=entry_point)


def compiled(function: Callable[..., object], cache_folder: str) -> Any:
    """Return a kernel that Python calls, kept in ``cache_folder``; it runs without the GIL."""
    _config.CACHE_DIR = cache_folder
    return numba.njit(cache=True, nogil=True)(function)


def compiled_inside(function: Callable[..., object]) -> Any:
    """Return a kernel that only kernels call.  It cannot be called from Python."""
    njit: Any = numba.njit  # its types leave some options out
    return njit(
        nogil=True,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        _nrt=False,
        error_model="numpy",
        pipeline_class=_Inner,
    )(function)
