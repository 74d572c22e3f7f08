"""Settings change while the service works: in files, in the console, by two people at once.

Every test starts what does not run, so that they may come in any order.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks.datasets import write_web
from config.file_watch import REST_SECONDS
from tests.factories import capture_bytes
from tests.services.configured import EVERYONE, Configured, Publisher, load, publish, replace
from tests.services.console import QUICK, Console, wait_until
from tests.services.reading import NOTE
from tests.services.test_kills import report

pytestmark = pytest.mark.slow

# the claim: every process goes by a change after so long
# what the service promises, on a machine with nothing else to do; tests allow for a busy one
ADOPTED_SECONDS = 5.0
BUSY_MACHINE = 4.0
PATIENCE_SECONDS = 120.0
VERSIONS = 60
PAIR = 100  # trimming.lease_seconds is always so many times trimming.beat_seconds


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Configured]:
    console = Configured(tmp_path_factory.mktemp("configured"))
    try:
        yield console
    finally:
        console.kill_everything()


@pytest.fixture
def console(stopped: Configured) -> Configured:
    """The whole service, with a main file that counts, and nothing that is still to be taken."""
    if not stopped.main_file.exists() or (stopped.data_dir.exists() and stopped.problem()):
        keep(stopped, 5)
    stopped.start_everyone()
    wait_until(lambda: not stopped.problem(), PATIENCE_SECONDS, "the problem to be gone")
    return stopped


def keep(console: Configured, days: int) -> float:
    return replace(console.main_file, f"trimming:\n  keep_originals_days: {days}\n")


def wait_for_files(console: Configured, given: dict[str, object]) -> None:
    wait_until(lambda: console.files_give() == given, PATIENCE_SECONDS, "the files to be taken")


def wait_for_problem(console: Configured) -> str:
    return str(wait_until(console.problem, PATIENCE_SECONDS, "a problem with the files"))


def assert_adopted(console: Configured, limit: int, number: int, changed: float, how: str) -> None:
    """Wait until everyone goes by a version and both pages show it; then look at the clock."""

    def everywhere() -> bool:
        kinds = Counter(console.versions_of_processes(number))
        return kinds == EVERYONE and console.upload_limits() == [limit, limit]

    wait_until(everywhere, PATIENCE_SECONDS, "every process")
    took = time.monotonic() - changed
    report(f"{how}, every process went by it", changed)
    assert took < ADOPTED_SECONDS * BUSY_MACHINE


@pytest.fixture(scope="module")
def web_capture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("web")
    write_web(folder / "web.pcap", folder / "expected.pcap", 2_000_000, seed=8)
    return (folder / "web.pcap").read_bytes()


def test_a_change_reaches_every_process_within_five_seconds_under_load(
    console: Configured, web_capture: bytes
) -> None:
    with load(console, reading=b"", legacy=web_capture):
        before = console.newest()
        changed = replace(console.main_file, "trimming:\n  max_upload_bytes: 5000001\n")
        assert_adopted(console, 5_000_001, before + 1, changed, "a file was edited")
        number, changed = publish(console, {"trimming": {"max_upload_bytes": 6_000_002}})
        assert_adopted(console, 6_000_002, number, changed, "the console changed")
        publish(console, {})
    states = console.rows("SELECT DISTINCT state FROM trimming_trimjob")
    assert {state for (state,) in states} <= {"waiting", "running", "done"}


def test_no_job_sees_a_mixture_of_two_versions_however_quickly_they_follow(
    console: Configured,
) -> None:
    layers = [
        {"trimming": {"beat_seconds": beat / 1000, "lease_seconds": beat / 1000 * PAIR}}
        for beat in range(100, 100 + VERSIONS)
    ]
    first = console.newest()
    publisher = Publisher(console, [*layers, {}], pause_seconds=0.05)
    with load(console, reading=b""):
        publisher.go()
        published = {each["published"] for each in publisher.outcomes()}
        assert published == set(range(first + 1, first + VERSIONS + 2))
    notes = notes_of_jobs(console, published)
    print(f"{len(notes)} jobs")  # noqa: T201
    # processes did go over to newer versions between jobs
    assert len({note["version"] for note in notes}) > 1
    recorded = dict(attempts(console))
    given = console.given("console")
    for note in notes:
        assert recorded[note["attempt"]] == note["version"]
        values = given[note["version"]]
        if values:  # the last version takes the pair away
            pair = [values["trimming.beat_seconds"], values["trimming.lease_seconds"]]
            assert note["pairs"] == [pair]


def notes_of_jobs(console: Configured, versions: set[int]) -> list[dict[str, Any]]:
    reports = console.rows("SELECT report FROM trimming_trimrun WHERE report IS NOT NULL")
    warnings = [each["reason"] for (report,) in reports for each in json.loads(report)["warnings"]]
    lines = [each.removeprefix(NOTE) for each in warnings if each.startswith(NOTE)]
    return [note for note in map(json.loads, lines) if note["version"] in versions]


def attempts(console: Configured) -> list[tuple[str, int]]:
    """Return the name of the folder of each attempt, with the version that its run noted."""
    rows = console.rows("SELECT job_id, attempt, config_version FROM trimming_trimrun")
    return [(f"{uuid.UUID(job)}-{attempt}", version) for job, attempt, version in rows]


def test_a_newer_limit_of_memory_counts_for_the_next_job_and_a_worker_without_memory_is_replaced(
    console: Configured,
) -> None:
    publish(console, {"workers": {"memory_bytes": 1_500_000_000}})
    failed = console.upload("much.pcap", capture_bytes(b"much"), "hoarding")
    # legacy serves it
    wait_until(lambda: console.job_of(failed)[0] == "done", PATIENCE_SECONDS, "the job")
    reason = "SELECT r.reason, j.id, r.worker FROM trimming_trimjob j JOIN trimming_trimrun r "
    [(said, job, worker)] = console.rows(
        f"{reason} ON r.job_id = j.id WHERE j.capture_id = ? AND r.outcome = 'failed'", failed.hex
    )
    assert said.endswith("may use (workers.memory_bytes: 1,500,000,000).")
    left = (console.data_dir / "work").glob
    # the one that served it is about to remove its own
    wait_until(lambda: not [*left(f"{uuid.UUID(job)}*")], PATIENCE_SECONDS, "an empty folder")

    def is_replaced() -> bool:
        gone = not psutil.pid_exists(int(worker.split("/")[1]))
        return gone and Counter(console.versions_of_processes(0)) == EVERYONE

    wait_until(is_replaced, PATIENCE_SECONDS, "another worker")
    done = console.upload("usual.pcap", capture_bytes(b"usual"), "scanning")
    wait_until(lambda: console.job_of(done)[0] == "done", PATIENCE_SECONDS, "the job")
    publish(console, {})


def test_a_file_that_is_written_in_two_writes_counts_only_as_a_whole(console: Configured) -> None:
    before = console.newest()
    with console.main_file.open("w") as file:
        file.write("trimming:\n  keep_originals_days: 1")
        file.flush()
        time.sleep(REST_SECONDS / 2)  # an editor that is slow, not yet at rest
        file.write("4\n  max_attempts: 4\n")
    wait_for_files(console, {"trimming.keep_originals_days": 14, "trimming.max_attempts": 4})
    assert console.newest() == before + 1


def test_a_main_file_that_is_deleted_leaves_everything_as_it_was_and_is_told(
    console: Configured,
) -> None:
    before, text = console.newest(), console.main_file.read_text()
    console.main_file.unlink()
    assert "the file is missing" in wait_for_problem(console)
    replace(console.main_file, text)
    wait_until(lambda: not console.problem(), PATIENCE_SECONDS, "the problem to be gone")
    assert console.newest() == before


def test_a_file_that_is_not_valid_changes_nothing_until_it_is_mended(console: Configured) -> None:
    before = console.newest()
    replace(console.main_file, "trimming:\n  keep_originals_days: 6\n  max_atempts: 4\n")
    problem = wait_for_problem(console)
    assert problem.startswith(f"{console.main_file.name}, line 3: ")
    assert "Did you mean max_attempts?" in problem
    assert console.newest() == before
    keep(console, 6)
    wait_for_files(console, {"trimming.keep_originals_days": 6})
    wait_until(lambda: not console.problem(), PATIENCE_SECONDS, "the problem to be gone")


def test_a_file_in_conf_d_wins_over_the_main_one(console: Configured) -> None:
    before = console.newest()
    more = console.settings_folder / "conf.d" / "50-site.yaml"
    keep(console, 8)
    replace(more, "trimming:\n  keep_originals_days: 9\n")
    wait_for_files(console, {"trimming.keep_originals_days": 9})
    more.unlink()
    wait_for_files(console, {"trimming.keep_originals_days": 8})
    assert console.newest() == before + 2


def test_of_two_people_who_change_the_same_version_one_wins_and_the_other_is_told(
    console: Configured,
) -> None:
    before = console.newest()
    limits = (7_000_001, 7_000_002)
    people = [Publisher(console, [{"trimming": {"max_upload_bytes": limit}}]) for limit in limits]
    for each in people:
        each.go()
    outcomes = [outcome for each in people for outcome in each.outcomes()]
    assert sorted(map(list, ([*outcome][:1] for outcome in outcomes))) == [
        ["conflict"],
        ["published"],
    ]
    assert console.newest() == before + 1
    won = next(limit for limit, each in zip(limits, outcomes, strict=True) if "published" in each)
    assert console.given("console")[before + 1] == {"trimming.max_upload_bytes": won}
    changes = "SELECT count(*) FROM config_auditevent WHERE action = 'configuration_changed' "
    assert console.rows(f"{changes} AND target_id = ?", str(before + 1)) == [(1,)]


def test_a_start_with_files_that_are_not_valid_goes_by_the_version_that_there_is(
    console: Configured,
) -> None:
    console.kill_everything()
    before = console.newest()
    replace(console.main_file, "trimming:\n  keep_originals_days: soon\n")
    console.start_everyone()
    said = console.said()
    assert f"{console.main_file.name}, line 2: trimming.keep_originals_days is 'soon'" in said
    assert f"Version {before} of the settings stays in force." in said
    assert console.newest() == before
    assert "line 2" in console.problem()
    # also nothing of the life before counts as a process that lags behind
    kinds = Counter(kind for (kind,) in console.rows("SELECT kind FROM config_adoption"))
    assert kinds == Counter(console.versions_of_processes(before)) == EVERYONE


def test_a_first_start_with_files_that_are_not_valid_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "local"
    folder.mkdir(parents=True)
    (folder / "dual_strategy_deployment.yaml").write_text("trimming:\n  max_attempts: 0\n")
    other = Console(tmp_path, {**QUICK, "PKTMASK_CONFIG_DIR": str(tmp_path / "config")})
    assert other.spawn().wait(60) == 2
    assert (
        "dual_strategy_deployment.yaml, line 2: trimming.max_attempts is 0; "
        "expected a whole number from 1 to 100."
    ) in other.said()
    assert other.alive() == []
    assert not list(other.data_dir.rglob("*.sqlite3"))
