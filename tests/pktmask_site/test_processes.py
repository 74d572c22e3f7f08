"""Ending a whole process group."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# a group of four generations, killed again and again by the one that adopts its orphans
PROGRAM = """
import subprocess, sys
import psutil
from pktmask_site.processes import adopt_orphans, end_group
adopt_orphans()
generations = '''
import os, time
print("here", flush=True)
for _ in range(3):
    if os.fork():
        break
    print("here", flush=True)
while True:
    time.sleep(60)
'''
for _ in range(15):
    leader = subprocess.Popen(
        [sys.executable, "-c", generations], stdout=subprocess.PIPE, start_new_session=True
    )
    for _ in range(4):
        leader.stdout.readline()
    assert end_group(leader)
    left = psutil.Process().children(recursive=True)
    assert left == [], left
"""


@pytest.mark.slow
def test_nothing_of_a_group_is_left_not_even_dead_and_uncollected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
