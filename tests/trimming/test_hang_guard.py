"""A process that is stuck ends, and one that is not goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = "import ctypes, time; from trimming.hang_guard import HangGuard; "
# holds the lock of the interpreter for ever
STUCK = "ctypes.PyDLL(None).sleep(600)"


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", f"{BEGIN}{script}"], capture_output=True, text=True, check=False
    )


def test_a_process_that_is_stuck_in_compiled_code_ends_and_says_where() -> None:
    done = run(f"secret = 'a value'\nwith HangGuard(0.2): {STUCK}")
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "a value" not in done.stderr


@pytest.mark.parametrize(
    "script",
    [
        # longer in all than it may be silent
        "guard = HangGuard(2)\nwith guard:\n for _ in range(3): time.sleep(1); guard.alive()",
        "\nwith HangGuard(0.2): pass\ntime.sleep(0.5)",
    ],
    ids=["alive", "left"],
)
def test_one_that_gives_signs_or_has_left_goes_on(script: str) -> None:
    assert run(script).returncode == 0
