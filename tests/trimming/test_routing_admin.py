"""Policies, breakers and the lease in the admin: they are read, and nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.trimming.admin_pages import address, client_of, staff
from trimming.models import Breaker, GuardLease
from trimming.policy import Wish, emergency_rollback, publish, renew_guard
from trimming.routing_choices import BreakerState, Mode, Origin

pytestmark = pytest.mark.django_db
MODELS = ("routingpolicy", "breaker", "guardlease")


def rows() -> dict[str, Any]:
    """Make a row of each model and return them."""
    renew_guard(30)
    breaker, _ = Breaker.objects.update_or_create(
        pk="scanning",
        defaults={
            "state": BreakerState.OPEN,
            "failures": {"a" * 64: 1.5},
            "probe_after": timezone.now(),
        },
    )
    return {
        "routingpolicy": emergency_rollback(reason="bodies were seen"),
        "breaker": breaker,
        "guardlease": GuardLease.objects.get(),
    }


@pytest.mark.parametrize("model", MODELS)
def test_they_can_be_read_but_not_changed(model: str) -> None:
    row = rows()[model]
    client = client_of(staff())
    assert client.get(address(model)).status_code == 200
    change = address(model, "change", row.pk)
    assert client.get(change).status_code == 200
    assert client.post(change, {"reason": "x"}).status_code == 403
    assert client.get(address(model, "add")).status_code == 403
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


def test_each_row_says_what_it_is_in_words() -> None:
    found = rows()
    publish(
        Wish(Mode.COMPARISON, shadow_share=0.2, guarded=True, lift=True),
        origin=Origin.OPERATOR,
        reason="compare first",
    )
    client = client_of(staff())
    pages = {
        model: client.get(address(model, "change", found[model].pk)).content.decode()
        for model in MODELS
    }
    assert "bodies were seen" in pages["routingpolicy"]
    assert "open: nothing is let through" in pages["breaker"]
    assert "a" * 64 in pages["breaker"]
    assert "yes" in pages["guardlease"]
    listed = client.get(address("routingpolicy")).content.decode()
    assert "compare first" in listed
    assert "20 %" in listed
    found_again = client.get(address("routingpolicy"), {"q": "bodies"}).content.decode()
    assert "compare first" not in found_again


def test_a_policy_that_retires_legacy_says_so() -> None:
    before = publish(Wish(Mode.SCANNING), origin=Origin.ROLLOUT, reason="all of it")
    wish = Wish(Mode.SCANNING, legacy_retired=True)
    row = publish(wish, origin=Origin.ROLLOUT, reason="completed")
    client = client_of(staff())
    listed = client.get(address("routingpolicy"), {"legacy_retired__exact": "1"}).content.decode()
    assert "completed" in listed
    assert "all of it" not in listed
    for policy, said in ((before, ["no", "no", "no"]), (row, ["no", "no", "yes"])):
        page = client.get(address("routingpolicy", "change", policy.pk)).content.decode()
        assert re.findall(r'"readonly">(yes|no)<', page) == said


def test_the_list_of_policies_takes_the_same_number_of_queries_for_any_number_of_rows() -> None:
    client = client_of(staff())
    counts = []
    for _ in range(2):
        rows()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address("routingpolicy")).status_code == 200
        counts.append(len(queries))
        for _ in range(5):
            rows()
    assert counts[0] == counts[1]
