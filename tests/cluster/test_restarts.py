"""Machines are restarted one after the other, and nobody notices; also with another version."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pytest

from tests.cluster.installation import Installation
from tests.cluster.servers import FORGIVES_SECONDS, seconds_since
from tests.services.console import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

NEXT_SETTINGS = "tests.cluster.next_settings"
SECONDS = 150.0


@pytest.fixture
def settled(installation: Installation) -> Iterator[Installation]:
    """Give an installation of which every process is there, also afterwards."""
    wait_until(installation.is_whole, SECONDS, "every process")
    yield installation
    wait_until(installation.is_whole, SECONDS, "every process")


def restart_one_after_the_other(
    installation: Installation, names: Iterable[str], environ: Mapping[str, str]
) -> None:
    for machine in map(installation.machines.__getitem__, names):
        assert machine.stop() == 0, machine.said()
        machine.environ |= environ
        machine.output.unlink()
        machine.spawn()
        wait_until(machine.is_ready, SECONDS, f"{machine.name} to be ready")
        # or both machines with workers might be starting at the same time
        wait_until(installation.is_whole, SECONDS, "every process")
        if "web" in machine.parts:
            # the proxy leaves it out for a while still, and would have nobody without the next one
            whole = time.monotonic()
            wait_until(lambda: seconds_since(whole) > FORGIVES_SECONDS, SECONDS)  # noqa: B023 - at once


# one of each kind, or all
@pytest.mark.parametrize(
    "names",
    [("one", "three"), pytest.param(("one", "two", "three", "four"), marks=pytest.mark.long)],
    ids=" ".join,
)
def test_in_a_rolling_restart_two_versions_work_beside_each_other_and_refuse_nobody(
    settled: Installation, names: Sequence[str]
) -> None:
    with settled.load() as load:
        restart_one_after_the_other(settled, names, {"DJANGO_SETTINGS_MODULE": NEXT_SETTINGS})
    assert load.failures == 0, (load.first_failure, settled.proxy.complaints())
    assert len(load.accepted) > 10
    assert settled.rows("SELECT count(*) FROM trimming_trimjob WHERE novelty <> 7") == [(0,)]
    # and back, which leaves the database as the newer one made it
    with settled.load() as back:
        before = {"DJANGO_SETTINGS_MODULE": "pktmask_site.settings"}
        restart_one_after_the_other(settled, names, before)
    # a slow machine was sent more than it serves meanwhile
    settled.wait_until_all_is_done(4 * SECONDS)
    assert back.failures == 0, (back.first_failure, settled.proxy.complaints())
    settled.assert_nothing_is_lost({**load.accepted, **back.accepted})
