import json
import subprocess
import sys
from pathlib import Path

# Linux counts what the process held before it became the command, so a small one has to measure
_MEASURE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from benchmarks.processes import run_measured
program = "import sys; data = bytearray(150 * 2**20); sys.stdout.write('done'); sys.exit(4)"
print(json.dumps(asdict(run_measured([sys.executable, "-c", program], Path(sys.argv[1])))))
"""


def test_resources_are_those_of_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path)], check=True, capture_output=True
    )
    usage = json.loads(done.stdout)
    assert (usage["exit_code"], usage["output"]) == (4, "done")
    assert 150 * 2**20 < usage["peak_rss_bytes"] < 250 * 2**20
    assert usage["cpu_seconds"] > 0
    assert usage["wall_seconds"] > 0
