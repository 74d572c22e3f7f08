"""Whether every kernel is compiled already, without loading what compiles them.

The mark lies with the compiled kernels and names what they were made of: their sources, Python,
Numba and the instructions of the processor.  A mark that is wrong costs time and nothing else:
Numba compiles at the first call what it does not find.
"""

from __future__ import annotations

import platform
import sys
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Final

from trimming.engine.kernel import cache_name, cache_root

MARK: Final = "ready"
CPU: Final = Path("/proc/cpuinfo")


def kernel_folders() -> list[Path]:
    """Return every folder of kernels."""
    return sorted(path for path in Path(__file__).parent.rglob("kernels") if path.is_dir())


def is_ready() -> bool:
    """Tell whether everything was compiled here as it is now."""
    root = cache_root()
    try:
        return (root / MARK).read_text(encoding="ascii") == _made_of()
    except (OSError, UnicodeDecodeError):
        return False


def mark_ready() -> None:
    """Note that everything is compiled; raises OSError."""
    (cache_root() / MARK).write_text(_made_of(), encoding="ascii")


def _made_of() -> str:
    parts = [cache_name(folder) for folder in kernel_folders()]
    parts += [sys.version, version("numba"), version("llvmlite"), platform.machine(), _processor()]
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _processor() -> str:
    """Return model and instructions of the processor, where the system tells them."""
    try:
        lines = CPU.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return ""
    told = {line for line in lines if line.startswith(("flags", "Features", "model"))}
    return "\n".join(sorted(told))
