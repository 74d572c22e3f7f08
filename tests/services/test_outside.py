"""A real Prometheus reads the running service, asks what dashboards ask, and its rules fire."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
from collections.abc import Iterator
from typing import Final

import pytest

from tests.factories import capture_bytes
from tests.monitoring.exposition.test_outside_files import panels
from tests.pktmask_site.ecs_lines import problems
from tests.services.console import QUICK, Console, wait_until
from tests.services.prometheus import Prometheus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("prometheus") is None or shutil.which("promtool") is None,
        reason="Prometheus is not installed: the system's package prometheus has it",
    ),
]

LOG: Final = "log.json"
MARK: Final = b"Zq7-the-payload-Zq7"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("outside")
    environ = {
        **QUICK,
        "PKTMASK_METRICS__SAMPLE_SECONDS": "1",
        "PKTMASK_LOG_FORMAT": "json",
        "PKTMASK_LOG_TO": str(folder / LOG),
    }
    console = Console(folder, environ)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


@pytest.fixture(scope="module")
def prometheus(console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{console.port}")
    try:
        server.wait_for("pktmask_fence_epoch")
        yield server
    finally:
        server.end()


def test_promtool_finds_nothing_wrong_with_what_the_service_tells(
    console: Console, prometheus: Prometheus
) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=console.request("/metrics"),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_who_comes_through_a_proxy_needs_the_token(console: Console) -> None:
    console.start()
    with pytest.raises(urllib.error.HTTPError, match="401"):
        console.request("/metrics", headers={"X-Forwarded-For": "127.0.0.1"})


def test_the_service_says_that_it_is_ready(console: Console) -> None:
    def ready() -> bool:
        try:
            return bool(json.loads(console.request("/readyz"))["ready"])
        except urllib.error.HTTPError:
            return False

    wait_until(ready, 60, "the service to be ready")


def test_figures_arrive_and_grow(prometheus: Prometheus) -> None:
    assert prometheus.wait_for('up{job="pktmask"} == 1')
    (found,) = prometheus.wait_for("pktmask_samples_total")
    prometheus.wait_for(f"pktmask_samples_total > {found[1]}")
    # the first start trims samples of its own
    assert prometheus.wait_for('pktmask_runs_succeeded_total{arm="control"} > 0')


@pytest.mark.parametrize("query", sorted({query for _, _, query in panels()}))
def test_every_query_of_the_dashboards_is_understood(prometheus: Prometheus, query: str) -> None:
    prometheus.query(query)


def test_what_is_in_a_capture_is_in_no_line_of_the_log(console: Console) -> None:
    capture = console.upload("marked.pcap", capture_bytes(MARK))
    wait_until(lambda: console.job_of(capture)[0] == "done", 60, "the result")
    assert MARK not in console.result_of(capture)
    text = (console.folder / LOG).read_text()
    assert MARK.decode() not in text
    assert MARK not in console.output.read_bytes()
    found = [json.loads(line) for line in text.splitlines()]
    assert [problem for line in found for problem in problems(line)] == []
    assert {"run-started", "run-published"} <= {line["event"].get("action") for line in found}


def test_a_rollback_fires_with_the_way_to_the_runbook(
    console: Console, prometheus: Prometheus
) -> None:
    assert "PktmaskRolledBack" not in prometheus.firing()
    rollback = console.command("emergency_rollback", "--reason", "a drill")
    assert rollback.wait(60) == 0
    found = wait_until(lambda: prometheus.firing().get("PktmaskRolledBack"), 60, "the alert")
    assert found["labels"]["severity"] == "critical"
    assert found["annotations"]["runbook_url"] == "/alerts/runbook/#rollout_rolled_back"


def test_what_is_gone_is_told(console: Console, prometheus: Prometheus) -> None:
    console.stop()
    found = wait_until(lambda: prometheus.firing().get("PktmaskDown"), 60, "the alert")
    assert found["labels"]["severity"] == "critical"
