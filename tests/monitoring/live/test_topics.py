"""What pages may say, and who hears of what."""

from __future__ import annotations

import json
import re
from uuid import UUID, uuid4

import pytest

from monitoring.live.topics import (
    MAX_MESSAGE_BYTES,
    MAX_SHOWING,
    Refused,
    Subscribe,
    Topic,
    Unsubscribe,
    audiences,
    capture_topic,
    group_of,
    read_message,
    topic_named,
)

CAPTURE = UUID("0d9bc8ca-c157-42d1-80a6-373a3642babc")


def test_a_subscription_names_its_topic_and_what_the_page_shows() -> None:
    text = json.dumps({"subscribe": "captures", "showing": [str(CAPTURE)]})
    assert read_message(text) == Subscribe(Topic("captures"), (CAPTURE,))


def test_a_capture_is_a_topic_by_its_id() -> None:
    name = f"capture:{CAPTURE}"
    assert read_message(json.dumps({"subscribe": name})) == Subscribe(Topic(name, CAPTURE))
    assert capture_topic(CAPTURE) == name


def test_any_name_can_be_unsubscribed() -> None:
    assert read_message('{"unsubscribe": "captures"}') == Unsubscribe("captures")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "no json",
        "[]",
        "1",
        "null",
        "{}",
        '{"subscribe": 1}',
        '{"subscribe": null, "unsubscribe": []}',
        "[" * 8000,
        '{"subscribe": "captures", "showing": "' + "x" * MAX_MESSAGE_BYTES + '"}',
        "\ud800",
    ],
)
def test_what_is_not_understood_is_refused_without_an_error(text: str | None) -> None:
    assert read_message(text) == Refused("")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "capture",
        "capture:",
        "capture:7",
        f"capture:{CAPTURE}".upper(),
        f"capture:{{{CAPTURE}}}",
        f"capture:{CAPTURE.hex}",
        "live.captures.all",
        "captures ",
        "\ud800",
    ],
)
def test_a_topic_that_does_not_exist_is_refused_by_its_name(name: str) -> None:
    assert read_message(json.dumps({"subscribe": name})) == Refused(name)


def test_little_is_quoted_of_a_long_name() -> None:
    assert read_message(json.dumps({"subscribe": "x" * 5000})) == Refused("x" * 100)


def test_what_is_shown_is_clipped_and_what_is_no_id_left_out() -> None:
    ids = [str(uuid4()) for _ in range(205)]
    # 205 ids just fit into a message
    message = read_message(
        json.dumps({"subscribe": "captures", "showing": ids}, separators=(",", ":"))
    )
    assert isinstance(message, Subscribe)
    assert [str(each) for each in message.showing] == ids[:MAX_SHOWING]
    odd: list[object] = [1, None, "x", {}, str(CAPTURE), str(CAPTURE)]
    assert read_message(json.dumps({"subscribe": "captures", "showing": odd})) == Subscribe(
        Topic("captures"), (CAPTURE,)
    )


@pytest.mark.parametrize("sees_all", [True, False])
@pytest.mark.parametrize("name", ["captures", f"capture:{CAPTURE}"])
def test_groups_have_names_that_channel_layers_take(name: str, sees_all: bool) -> None:
    topic = topic_named(name)
    assert topic is not None
    group = group_of(topic, 2**63, sees_all=sees_all)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,99}", group)


def test_an_update_reaches_the_owner_who_sees_all_and_the_page_of_the_capture() -> None:
    name = capture_topic(CAPTURE)
    captures, capture = Topic("captures"), Topic(name, CAPTURE)
    assert set(audiences(name, {"owner": 7})) == {
        (group_of(captures, 7, sees_all=False), "captures"),
        (group_of(captures, 1, sees_all=True), "captures"),
        (group_of(capture, 7, sees_all=False), name),
    }


def test_an_update_of_an_unknown_topic_reaches_nobody() -> None:
    assert audiences("weather", {"owner": 7}) == ()
