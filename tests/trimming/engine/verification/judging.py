"""``python -m tests.trimming.engine.verification.judging COUNT``: dialogues judged both ways."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest

from tests.trimming.engine.verification.test_windows import assert_same_of_dialogues

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(int(sys.argv[1])):
            assert_same_of_dialogues(seed, Path(folder), pytest.MonkeyPatch())
