"""Whatever is killed, jobs end once, and nothing is left running.

Every test starts the console when it does not run, so that they may come in any order.
"""

from __future__ import annotations

import signal
import socket
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from tests.captures import Conversation, pcap, request, response
from tests.services.console import Console, is_alive, wait_until

pytestmark = pytest.mark.slow

# what the service promises, on a machine with nothing else to do; tests allow for a busy one
JOBS_RUN_AGAIN_SECONDS = 60.0
IDLE_STOP_SECONDS = 5.0
BUSY_MACHINE = 2.0


def small_capture() -> bytes:
    talk = Conversation()
    talk.client(request("GET", "/"))
    talk.server(response(body=uuid.uuid4().hex.encode()))
    return pcap(talk.packets)


def upload_big(console: Console, path: Path) -> uuid.UUID:
    """Upload the big capture with one byte of a time changed: the same bytes count as known."""
    data = bytearray(path.read_bytes())
    data[24:28] = (int(time.monotonic() * 1000) & 0x3FFFFFFF).to_bytes(4, "little")
    return console.upload("big.pcap", bytes(data))


def wait_for_middle(console: Console, capture: uuid.UUID) -> None:
    """Wait until a job is running and reads."""
    wait_until(
        lambda: console.job_of(capture)[0::2] == ("running", "read"), 60, "the middle of the job"
    )


def wait_for_end(console: Console, capture: uuid.UUID, seconds: float = 120) -> None:
    wait_until(lambda: console.job_of(capture)[0] == "done", seconds, "the job to be done")


def wait_for_sign(console: Console, since: datetime) -> None:
    """Wait until a sign has gone through every process of the cluster."""
    signs = "SELECT at FROM monitoring_heartbeat WHERE name = 'workers' AND at > ?"
    wait_until(
        lambda: console.rows(signs, f"{since:%Y-%m-%d %H:%M:%S.%f}"),
        JOBS_RUN_AGAIN_SECONDS * BUSY_MACHINE,
        "a sign of the workers",
    )


def report(what: str, began: float) -> None:
    """Tell a time; `pytest -s` shows it."""
    print(f"{what} after {time.monotonic() - began:.1f} s")  # noqa: T201 - a measurement


def assert_published_once(console: Console, capture: uuid.UUID) -> None:
    runs = console.rows(
        "SELECT r.id, r.outcome, j.published_run_id, r.output, j.id FROM trimming_trimrun r "
        "JOIN trimming_trimjob j ON j.id = r.job_id WHERE j.capture_id = ?",
        capture.hex,
    )
    done = [row for row in runs if row[1] == "done"]
    assert len(done) == 1
    run_id, _, published, output, job = done[0]
    assert run_id == published
    folder = console.data_dir / "files" / "outputs" / str(uuid.UUID(job))
    assert [str(path.relative_to(console.data_dir / "files")) for path in folder.iterdir()] == [
        output
    ]
    assert "running" not in {row[1] for row in runs}


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_an_orderly_stop_leaves_no_process_and_the_next_start_has_all_data(
    console: Console, number: int
) -> None:
    console.start()
    capture = console.upload("edge.pcap", small_capture())
    wait_for_end(console, capture)
    console.whole_cluster()
    tree = psutil.Process(console.process.pid).children(recursive=True)  # type: ignore[union-attr]  # it runs
    started = time.monotonic()
    assert console.stop(number) == 0
    report("stopped", started)
    assert time.monotonic() - started < IDLE_STOP_SECONDS * BUSY_MACHINE
    assert not [process for process in tree if is_alive(process)]
    assert console.alive() == []
    assert "Traceback" not in console.said()
    console.start()
    assert "Password" not in console.said()
    assert console.password
    assert console.job_of(capture)[0] == "done"
    assert console.upload("again.pcap", small_capture()) != capture


def test_the_first_start_makes_samples_that_are_trimmed(console: Console) -> None:
    console.start()
    states = "SELECT j.state FROM trimming_capture c JOIN trimming_trimjob j "
    states += "ON j.id = c.current_job_id WHERE c.origin = 'sample'"
    wait_until(lambda: console.rows(states) == [("done",)] * 4, 60, "the samples to be trimmed")


def test_a_second_start_on_the_same_data_is_refused(console: Console) -> None:
    console.start()
    said = console.said()
    second = console.spawn(PORT="9")
    assert second.wait(60) == 2
    assert "already runs on the data" in console.said()
    assert console.is_running
    console.output.write_text(said)


def test_a_port_that_is_none_is_refused(tmp_path: Path) -> None:
    other = Console(tmp_path)
    assert other.spawn(PORT="eighty").wait(60) == 2
    assert other.said() == "PORT is 'eighty'; expected a number from 1 to 65535.\n"


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    other = Console(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", other.port))
        listener.listen()
        assert other.spawn().wait(60) == 2
    assert f"Port {other.port} is in use" in other.said()
    assert "PORT=" in other.said()


def test_a_killed_supervisor_leaves_nothing_running(console: Console) -> None:
    console.start()
    console.whole_cluster()
    assert console.process is not None
    console.process.kill()
    console.process.wait()
    began = time.monotonic()
    wait_until(lambda: not console.alive(), 10, "all processes to be gone")
    report("supervisor killed, nothing was left", began)


def test_a_job_whose_worker_is_killed_finishes_by_itself(
    console: Console, big_capture: Path
) -> None:
    console.start()
    console.whole_cluster()
    capture = upload_big(console, big_capture)
    wait_for_middle(console, capture)
    began = time.monotonic()
    running = "SELECT lease_owner FROM trimming_trimjob WHERE state = 'running' AND capture_id = ?"
    [[owner]] = console.rows(running, capture.hex)
    psutil.Process(int(owner.split("/")[1])).kill()
    wait_for_end(console, capture)
    report("worker killed in mid-job, the job was done", began)
    assert console.job_of(capture)[1] > 1
    assert_published_once(console, capture)


def test_a_job_that_was_killed_with_everything_finishes_after_the_next_start(
    console: Console, big_capture: Path
) -> None:
    console.start()
    capture = upload_big(console, big_capture)
    wait_for_middle(console, capture)
    console.kill_everything()
    console.start()
    wait_for_end(console, capture)
    assert console.job_of(capture)[1] > 1
    assert_published_once(console, capture)
    work = console.data_dir / "work"
    wait_until(lambda: not list(work.iterdir()), 10, "private copies to be removed")


def test_a_job_that_an_orderly_stop_ends_is_given_back(console: Console, big_capture: Path) -> None:
    console.start()
    capture = upload_big(console, big_capture)
    wait_for_middle(console, capture)
    # twice: at once, so that even a small job does not end first
    assert console.process is not None
    console.process.send_signal(signal.SIGTERM)
    console.process.send_signal(signal.SIGINT)
    assert console.process.wait(30) == 0
    assert console.alive() == []
    outcomes = "SELECT r.outcome, j.forgiven FROM trimming_trimrun r JOIN trimming_trimjob j "
    outcomes += "ON j.id = r.job_id WHERE j.capture_id = ?"
    assert console.rows(outcomes, capture.hex) == [("given_back", 1)]
    assert console.job_of(capture)[0] == "waiting"
    console.start()
    wait_for_end(console, capture)
    assert_published_once(console, capture)


@pytest.mark.parametrize("role", ["worker", "sentinel", "q_monitor", "q_pusher", "cluster", "web"])
def test_jobs_run_after_each_idle_process_was_killed(console: Console, role: str) -> None:
    console.start()
    count = len(console.whole_cluster()[role])
    for number in range(count):
        processes = console.whole_cluster()[role]
        processes[min(number, len(processes) - 1)].kill()
        killed = datetime.now(UTC)
        began = time.monotonic()
        capture = wait_until(lambda: upload_if_it_answers(console), 60, "the web server")
        wait_for_end(console, capture, JOBS_RUN_AGAIN_SECONDS * BUSY_MACHINE)
        report(f"{role} killed, a new job was done", began)
        assert_published_once(console, capture)
        # jobs may still run in a cluster that has lost a part; it must become whole again
        wait_for_sign(console, killed)
        report(f"{role} killed, the cluster was whole again", began)


def upload_if_it_answers(console: Console) -> uuid.UUID | None:
    try:
        return console.upload("after.pcap", small_capture())
    except OSError:
        return None
