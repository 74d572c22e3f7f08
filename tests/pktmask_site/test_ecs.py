"""Log lines are what the Elastic Common Schema says, and some events can be counted on."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from pktmask_site.ecs import ECS_VERSION, FIELDS, STABLE, as_ecs
from tests.pktmask_site.ecs_lines import TYPES, flat, lines, logged, problems

TEMPLATE = Path(__file__).parents[2] / "config/production/elasticsearch/index-template.json"
# https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category, and the others
CATEGORIES = {"configuration", "host", "process"}
KINDS = {"alert", "event", "state"}
TYPES_OF_EVENTS = {"change", "end", "info", "start"}
OUTCOMES = {"success", "failure", "unknown"}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


class Colour(Enum):
    RED = "red"


def line_of(name: str, **values: Any) -> dict[str, Any]:
    with logged() as written:
        structlog.get_logger("pktmask.test").info(name, **values)
    (found,) = lines(written)
    assert problems(found) == []
    return found


@settings(max_examples=30)
@given(st.dictionaries(st.from_regex(r"[a-z_]{2,8}", fullmatch=True), ANY, max_size=5))
def test_whatever_is_logged_fits_the_schema(values: dict[str, Any]) -> None:
    given_ = {key: value for key, value in values.items() if key not in ("event", "duration_ms")}
    found = line_of("something_happened", **given_)
    ours = found.get("pktmask", {})
    assert all(isinstance(each, str | bool | int | float) for each in ours.values())


def test_what_callers_say_stands_in_its_field() -> None:
    found = line_of(
        "run_published",
        request_id="r-1",
        user_id=7,
        reason="because",
        kind="ValueError",
        duration_ms=1.5,
        colour=Colour.RED,
        parts={"a": [1, 2]},
        nothing=None,
    )
    named = dict(flat(found))
    assert named["http.request.id"] == "r-1"
    assert named["user.id"] == "7"
    assert named["event.reason"] == "because"
    assert named["error.type"] == "ValueError"
    assert named["event.duration"] == 1_500_000
    assert (named["pktmask.colour"], named["pktmask.parts"]) == ("red", '{"a": [1, 2]}')
    assert "pktmask.nothing" not in named
    assert (named["event.action"], named["event.dataset"]) == ("run-published", "pktmask.test")
    assert (named["ecs.version"], named["service.name"]) == (ECS_VERSION, "pktmask")


@pytest.mark.parametrize("name", STABLE)
def test_a_stable_event_has_its_classes(name: str) -> None:
    event = line_of(name, outcome="failed", verdict="ok")["event"]
    assert event["action"] == name.replace("_", "-")
    assert event["kind"] in KINDS
    assert set(event["category"]) <= CATEGORIES
    assert set(event["type"]) <= TYPES_OF_EVENTS
    assert event.get("outcome", "unknown") in OUTCOMES


@pytest.mark.parametrize(
    ("name", "values", "outcome"),
    [
        ("run_published", {}, "success"),
        ("run_ended", {"outcome": "unverified"}, "failure"),
        ("run_ended", {"outcome": "cancelled"}, "unknown"),
        ("run_ended", {"outcome": "given_back"}, "unknown"),
        ("health_checked", {"verdict": "ok"}, "success"),
        ("health_checked", {"verdict": "fail"}, "failure"),
        ("health_checked", {"verdict": "warn"}, "unknown"),
        ("health_checked", {"verdict": "unknown"}, "unknown"),
    ],
)
def test_an_outcome_is_what_the_event_says(name: str, values: dict[str, str], outcome: str) -> None:
    assert line_of(name, **values)["event"]["outcome"] == outcome


def test_a_text_of_another_library_is_no_action() -> None:
    found = as_ecs({"event": "took", "logger": "django.request"}, is_ours=False)
    assert "event.action" not in found
    assert found["event.dataset"] == "pktmask.django.request"
    assert "event.action" not in as_ecs({"event": "a sentence.", "logger": ""}, is_ours=True)


def test_every_field_that_callers_fill_is_one_of_the_schema() -> None:
    assert set(FIELDS.values()) <= set(TYPES)


def test_the_template_maps_every_field_as_the_schema_does() -> None:
    template = json.loads(TEMPLATE.read_text())["template"]["mappings"]
    mapped: dict[str, str] = {}

    def walk(properties: dict[str, Any], before: str) -> None:
        for name, value in properties.items():
            if "properties" in value:
                walk(value["properties"], f"{before}{name}.")
            else:
                mapped[f"{before}{name}"] = value["type"]

    walk(template["properties"], "")
    schema = {name: kind for name, kind in mapped.items() if not name.startswith("pktmask.")}
    assert schema == TYPES
    # of ours each is one value, and so never a conflict
    templates = [each for rule in template["dynamic_templates"] for each in rule.values()]
    assert {each["match_mapping_type"] for each in templates} == {
        "string",
        "long",
        "double",
        "boolean",
    }
    assert {each["mapping"]["type"] for each in templates} == {"keyword"}
