"""What a worker may use: limits bite in processes of their own, never in the one of the tests."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.datasets import write_single_packet, write_web
from trimming import worker_limits
from trimming.apart import confinement
from trimming.conf import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
FIELDS = WorkerSettings.model_fields
DEFAULT_BYTES = FIELDS["memory_bytes"].default
LEAST_BYTES = next(m.ge for m in FIELDS["memory_bytes"].metadata if hasattr(m, "ge"))
LEAST_FILES = next(m.ge for m in FIELDS["open_files"].metadata if hasattr(m, "ge"))
PATIENCE_SECONDS = 120.0
# so much CPU time, which a small job needs less of on any machine, and so much more, for tests that
# cannot wait for what settings accept
SHORT = {"cpu_seconds": 3, "grace_seconds": 1}


class Worker:
    """Starts processes that do jobs, on one data folder."""

    def __init__(self, folder: Path) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PKTMASK_")}
        self.environ = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
            "PKTMASK_DATA_DIR": str(folder),
            "OPENBLAS_NUM_THREADS": "1",
        }

    def migrate(self) -> None:
        """Make the database."""
        ran = self.python("-m", "django", "migrate", "--verbosity", "0")
        assert ran.returncode == 0, ran.stderr

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python to its end."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def run(self, *steps: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        """Take the steps in one process."""
        return self.python("-m", "tests.trimming.limited_worker", json.dumps(steps))

    def done(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        """Take the steps, and return how each job ended."""
        ran = self.run(*steps)
        assert ran.returncode == 0, ran.stderr
        # the log goes to stderr, or it would have to be told from answers
        return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"state"')]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("migrated")
    Worker(folder).migrate()
    return folder


@pytest.fixture
def worker(migrated: Path, tmp_path: Path) -> Worker:
    shutil.copytree(migrated, tmp_path / "data")
    return Worker(tmp_path / "data")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["grasping", "hoarding"])
def test_an_attempt_that_needs_more_memory_fails_and_says_so_and_the_next_job_is_done(
    worker: Worker, strategy: str
) -> None:
    failed, following = worker.done(
        {"settings": {"memory_bytes": LEAST_BYTES}}, {"job": strategy}, {"job": "scanning"}
    )
    assert (failed["state"], failed["outcome"], failed["left"]) == ("waiting", "failed", [])
    assert failed["reason"] == (
        f"The job needs more memory than a worker may use (workers.memory_bytes: {LEAST_BYTES:,})."
    )
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
def test_a_worker_that_was_short_of_memory_is_replaced_and_any_other_is_not(worker: Worker) -> None:
    usual, short = worker.done({"job": "legacy"}, {"job": "grasping"})
    assert (usual["is_replaced"], short["is_replaced"]) == (False, True)


@pytest.mark.slow
def test_an_attempt_that_spins_in_python_is_stopped_with_its_reason_and_the_next_job_is_done(
    worker: Worker,
) -> None:
    failed, following = worker.done(SHORT, {"job": "spinning"}, {"job": "telling"})
    assert (failed["state"], failed["outcome"], failed["left"]) == ("waiting", "failed", [])
    assert failed["reason"] == (
        "The job needs more CPU time than it may take (workers.cpu_seconds: 3)."
    )
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
def test_cpu_time_is_counted_for_each_job_and_not_between_jobs(worker: Worker) -> None:
    first, second = worker.done({"job": "telling"}, {"job": "telling"})
    for each in (first, second):
        _, _, left = json.loads(each["told"][0])
        assert FIELDS["cpu_seconds"].default - 60 < left <= FIELDS["cpu_seconds"].default + 1
        assert each["cpu_limit"] == resource.RLIM_INFINITY


@pytest.mark.slow
def test_an_attempt_that_spins_in_native_code_is_ended_with_its_reason_and_the_next_job_is_done(
    worker: Worker,
) -> None:
    failed, following = worker.done(SHORT, {"job": "spinning_natively"}, {"job": "telling"})
    assert (failed["state"], failed["outcome"], failed["left"]) == ("waiting", "failed", [])
    assert failed["reason"] == (
        "The job needs more CPU time than it may take (workers.cpu_seconds: 3)."
    )
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
def test_a_job_whose_reader_crashes_or_is_killed_is_lost_and_the_worker_goes_on(
    worker: Worker,
) -> None:
    crashed, killed, following = worker.done(
        {"job": "crashing"}, {"job": "killing"}, {"job": "scanning"}
    )
    for each, name in ((crashed, "SIGSEGV"), (killed, "SIGKILL")):
        assert (each["state"], each["outcome"], each["left"]) == ("waiting", "lost", [])
        assert each["reason"] == (
            f"The process that read the capture was lost: it was ended by {name}."
        )
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
@pytest.mark.skipif(confinement.seccomp() is None, reason="needs Linux and libseccomp")
def test_a_job_that_asks_for_the_network_fails_and_says_so_and_the_next_one_is_done(
    worker: Worker,
) -> None:
    failed, following = worker.done({"job": "calling"}, {"job": "scanning"})
    assert (failed["outcome"], failed["left"]) == ("failed", [])
    assert failed["reason"] == "What reads captures asked for the network, which it may not use."
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
@pytest.mark.skipif(bool(confinement.lacking()), reason="needs Linux with libseccomp and Landlock")
def test_a_reader_reaches_nothing_but_its_capture_and_does_its_work_all_the_same(
    worker: Worker,
) -> None:
    (pried,) = worker.done({"job": "prying"})
    assert (pried["state"], pried["told"]) == ("done", [])


@pytest.mark.slow
def test_a_job_that_opens_too_many_files_fails_and_says_so_and_the_next_one_is_done(
    worker: Worker,
) -> None:
    failed, following = worker.done(
        {"settings": {"open_files": LEAST_FILES}}, {"job": "opening"}, {"job": "scanning"}
    )
    assert (failed["state"], failed["left"], failed["is_replaced"]) == ("failed", [], False)
    assert failed["reason"] == (
        f"The job needs more open files than a worker may have (workers.open_files: {LEAST_FILES})."
    )
    assert (following["state"], following["left"]) == ("done", [])


@pytest.mark.slow
def test_limits_of_a_newer_version_count_for_the_next_job_whether_lower_or_higher(
    worker: Worker,
) -> None:
    told = worker.done(
        {"settings": {"memory_bytes": 4 * 10**9, "open_files": 500}},
        {"worker": ""},
        {"job": "telling"},
        {"settings": {"memory_bytes": 2 * 10**9, "open_files": 100}},
        {"job": "telling"},
        {"settings": {"memory_bytes": 5 * 10**9, "open_files": 900, "cpu_seconds": 1000.0}},
        {"job": "telling"},
    )
    seen = [json.loads(each["told"][0]) for each in told]
    assert [each[:2] for each in seen] == [
        [4 * 10**9, 500],
        [2 * 10**9, 100],
        [5 * 10**9, 900],
    ]
    assert seen[2][2] <= 1001


@pytest.mark.slow
def test_a_limit_of_the_system_below_ours_is_kept(worker: Worker) -> None:
    hard = {"RLIMIT_AS": 3 * 10**9, "RLIMIT_NOFILE": 90, "RLIMIT_CPU": 500}
    (told,) = worker.done({"hard": hard}, {"worker": ""}, {"job": "telling"})
    memory, files, left = json.loads(told["told"][0])
    assert (memory, files) == (3 * 10**9, 90)
    assert left < 500
    assert told["state"] == "done"


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("captures")
    made = {name: folder / name for name in ("web", "less web", "connections")}
    write_web(made["web"], folder / "expected", 50_000_000, seed=5)
    write_web(made["less web"], folder / "expected", 4_000_000, seed=6)
    write_single_packet(made["connections"], folder / "expected", 100_000, seed=7)
    return {name: str(path) for name, path in made.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "memory_bytes", [LEAST_BYTES, pytest.param(DEFAULT_BYTES, marks=pytest.mark.long)]
)
def test_both_strategies_do_their_work_in_the_memory_of_a_worker(
    worker: Worker, captures: dict[str, str], memory_bytes: int
) -> None:
    ended = worker.done(
        {"settings": {"memory_bytes": memory_bytes, "open_files": LEAST_FILES}},
        {"worker": ""},
        {"job": "scanning", "path": captures["web"]},
        {"job": "legacy", "path": captures["less web"]},
        {"job": "scanning", "path": captures["connections"]},
        {"job": "scanning", "path": captures["web"]},
    )
    assert [each["state"] for each in ended] == ["done"] * 4


@pytest.fixture
def refusing_system(monkeypatch: pytest.MonkeyPatch) -> Callable[[type[Exception]], None]:
    """Let the system refuse every limit."""

    def refuse(kind: type[Exception]) -> None:
        def setrlimit(which: int, limits: tuple[int, int]) -> None:
            raise kind("current limit exceeds maximum limit")

        monkeypatch.setattr(resource, "setrlimit", setrlimit)

    return refuse


@contextmanager
def unchanged_limits() -> Iterator[None]:
    kinds = (resource.RLIMIT_AS, resource.RLIMIT_NOFILE, resource.RLIMIT_CPU)
    before = [resource.getrlimit(kind) for kind in kinds]
    yield
    assert [resource.getrlimit(kind) for kind in kinds] == before


@pytest.mark.parametrize(("before", "after"), [(0, 5), (15, 15)])
def test_a_worker_steps_behind_everything_else_and_never_before(before: int, after: int) -> None:
    program = "; ".join(
        (
            "import os, django",
            "django.setup()",
            "from trimming.worker_limits import step_back",
            f"os.setpriority(os.PRIO_PROCESS, 0, {before})",
            "step_back()",
            "print(os.getpriority(os.PRIO_PROCESS, 0))",
        )
    )
    asked = [sys.executable, "-c", program]
    assert subprocess.check_output(asked, cwd=ROOT, text=True).strip() == str(after)


@pytest.mark.parametrize("kind", [ValueError, OSError])
def test_a_system_that_refuses_a_limit_has_workers_without_it(
    refusing_system: Callable[[type[Exception]], None], kind: type[Exception]
) -> None:
    refusing_system(kind)
    with unchanged_limits(), worker_limits.room_behind():
        worker_limits.limit_worker()


def test_a_system_without_a_limit_of_memory_has_workers_without_it(
    refusing_system: Callable[[type[Exception]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing_system(ValueError)
    monkeypatch.setattr(worker_limits, "_MEMORY", None)
    with unchanged_limits(), worker_limits.room_behind():
        worker_limits.limit_worker()


def test_where_nothing_is_limited_the_room_behind_work_is_no_limit() -> None:
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    with unchanged_limits(), worker_limits.room_behind():
        pass
