"""Many processes try to sign in at once: no more are let through than there are tries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.test_audit_chain import answer, start

pytestmark = pytest.mark.slow
PROCESSES, TRIES = 4, 10


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_however_many_come_at_once_ten_are_let_through(database: str, tmp_path: Path) -> None:
    trying = [
        start(tmp_path, database, "-m", "tests.services.sign_in_tries", str(TRIES))
        for _ in range(PROCESSES)
    ]
    for process in trying:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
    for process in trying:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    # a minute later one more would be let through; this takes seconds
    assert sum(int(answer(process)[-1]) for process in trying) in (10, 11)
