"""Rules and dashboards that come with the service ask for what it tells, and for nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from django.urls import reverse
from prometheus_client.metrics_core import Metric as Family

from migration.choices import GateVerdict, PhaseName
from monitoring.alerts.message import Severity
from monitoring.choices import Dimension
from monitoring.exposition.collectors import collectors
from monitoring.exposition.names import exported
from monitoring.metrics.registry import registry
from pktmask_site.help.views import in_html
from tests.migration.test_alerts import looked
from tests.migration.traffic import in_phase
from tests.monitoring.measured import make_report

PRODUCTION: Final = Path(__file__).resolve().parents[3] / "config" / "production"
RULES: Final = PRODUCTION / "prometheus" / "rules.yml"
DASHBOARDS: Final = sorted((PRODUCTION / "grafana" / "dashboards").glob("*.json"))
PAGE: Final = PRODUCTION.parents[1] / "docs" / "outside-systems.md"
NAME: Final = re.compile(r"\bpktmask[_:][a-z0-9_:]+")
# what Prometheus adds to the name of a histogram
OF_HISTOGRAM: Final = re.compile("_(bucket|count|sum)$")


def rules(kind: str) -> list[dict[str, Any]]:
    """Return the rules that record, or those that alert."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def panels() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Give every query of every panel, with its dashboard."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield path.name, panel, target["expr"]


QUERIES: Final[list[str]] = [
    *(rule["expr"] for rule in (*rules("record"), *rules("alert"))),
    *(query for _, _, query in panels()),
]


def told_name(family: Family) -> str:
    """Return the name under which a family stands on the page."""
    return f"{family.name}_total" if family.type == "counter" else family.name


@pytest.fixture
def told(db: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the type of everything that is ever told, by its name."""
    for mode in ("COMPARISON", "AB_TEST", "SCANNING"):
        monkeypatch.setenv(f"PKTMASK_ROUTING__PERMIT_{mode}", "true")
    service, rollout = in_phase(PhaseName.GRADUAL)
    looked(service, rollout, verdict=GateVerdict.PASSED.value)
    make_report(service.now)
    families = {told_name(each): each.type for each in collectors.collect(service.now)}
    # what was not measured here is told as well, once it is
    return families | {exported(each).name: each.kind.value for each in registry.metrics.values()}


def test_every_query_names_what_is_told_or_recorded(told: dict[str, str]) -> None:
    known = set(told) | {rule["record"] for rule in rules("record")}
    for text in QUERIES:
        names = NAME.findall(text)
        assert names or "up{" in text, text
        for name in names:
            if told.get(OF_HISTOGRAM.sub("", name)) == "histogram":
                continue
            assert name in known, f"{name} in {text}"


def test_every_dashboard_has_the_source_that_is_provisioned() -> None:
    sources = yaml.safe_load(
        (PRODUCTION / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    (uid,) = [each["uid"] for each in sources["datasources"]]
    assert DASHBOARDS
    for name, panel, _ in panels():
        assert panel["datasource"]["uid"] == uid, name
        assert {each["datasource"]["uid"] for each in panel["targets"]} == {uid}


def test_panels_of_a_dashboard_stand_side_by_side() -> None:
    for path in DASHBOARDS:
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(path.read_text())["panels"]:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not cells & taken, panel["title"]
            assert max(x for x, _ in cells) < 24
            taken |= cells


def test_every_alert_says_what_is_wrong_and_leads_to_a_section_of_the_runbook() -> None:
    known = in_html("runbook", "en").anchors
    for rule in rules("alert"):
        told = rule["annotations"]
        path, _, anchor = told["runbook_url"].rpartition("#")
        assert path.endswith(reverse("alerts:runbook"))
        anchors = [anchor.replace("{{ $labels.dimension }}", each) for each in Dimension.values]
        assert set(anchors) <= set(known), rule["alert"]
        assert told["summary"].endswith(".")
        assert told["description"].endswith(".")
        assert rule["labels"]["severity"] in {each.value for each in Severity}


def test_the_page_of_the_docs_names_everything_that_is_told(told: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(pktmask_[a-z_]+)` \| (\w+) \|", PAGE.read_text(), re.M)
    assert dict(rows) == told


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "rules.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "rules_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: the system's package prometheus has it")
    done = subprocess.run(
        [promtool, *arguments], cwd=RULES.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
