"""The files of settings that come with the code: those of production, and those of a demo."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.files import read_files
from config.layers import Configuration
from config.versions import EMPTY, resolved
from migration.choices import PHASES
from migration.conf import RolloutLimits
from migration.effects import planned_seconds
from migration.gates.table import rule_names
from trimming.conf import DrillSettings, RoutingSettings

ROOT = Path(__file__).resolve().parents[2]
CODE = ("config", "migration", "monitoring", "pktmask", "pktmask_site", "trimming")
# a rehearsal has other things to wait for as well: captures, comparisons, a health report, people
REHEARSAL_SECONDS = 120.0


def settings_of(environment: str) -> Configuration:
    files = read_files(ROOT / "config" / environment, needed=True)
    return resolved(files, EMPTY, 0, environ={})


@pytest.mark.parametrize("environment", ["production", "demo"])
def test_every_setting_of_the_files_exists_and_is_accepted(environment: str) -> None:
    rule_names(settings_of(environment).of(RolloutLimits).dry_run)


def test_a_demo_has_limits_with_which_a_rollout_is_walked_within_minutes() -> None:
    limits = settings_of("demo").of(RolloutLimits)
    assert sum(planned_seconds(limits, name) for name in PHASES) <= REHEARSAL_SECONDS
    # four eyes as in earnest
    assert limits.approve == RolloutLimits().approve


def test_a_demo_permits_all_modes_and_faults_on_purpose_and_production_no_fault() -> None:
    demo = settings_of("demo")
    assert demo.of(DrillSettings).permitted
    names = [name for name in RoutingSettings.model_fields if name.startswith("permit_")]
    assert all(getattr(demo.of(RoutingSettings), name) for name in names)
    assert not settings_of("production").of(DrillSettings).permitted


def test_no_code_asks_whether_it_is_a_demo_but_for_what_needs_no_tls() -> None:
    asking = [
        str(path.relative_to(ROOT))
        for folder in CODE
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"""["']demo["']""", path.read_text())
    ]
    # its own page has its name
    assert asking == ["pktmask_site/environment.py", "pktmask_site/demo/urls.py"]
