"""Block Kit against Slack's limits, whatever the message."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from monitoring.alerts.message import Message
from monitoring.channels.slack_blocks import MAX_BLOCKS, blocks, escaped, fallback
from tests.monitoring.channels.messages import HOST, any_message, firing, line

# docs.slack.dev/reference/block-kit/blocks and .../block-elements/button-element: for each type
# what is counted, and the least and the most of it
Count = Callable[[dict[str, Any]], int]
LIMITS: dict[str, tuple[tuple[Count, int, int], ...]] = {
    "header": ((lambda block: len(block["text"]["text"]), 1, 150),),
    "section": ((lambda block: len(block["text"]["text"]), 1, 3000),),
    "context": ((lambda block: len(block["elements"]), 1, 10),),
    "actions": ((lambda block: len(block["elements"]), 1, 25),),
    "button": (
        (lambda button: len(button["text"]["text"]), 1, 75),
        (lambda button: len(button["url"]), 1, 3000),
        (lambda button: len(button["action_id"]), 1, 255),
    ),
    "plain_text": ((lambda text: len(text["text"]), 1, 3000),),
    "mrkdwn": ((lambda text: len(text["text"]), 1, 3000),),
}
TEXT_KINDS = {"header": {"plain_text"}, "section": {"plain_text", "mrkdwn"}}


def broken_limits(found: list[dict[str, Any]]) -> list[str]:
    """Return what Slack would refuse."""
    broken = [] if 1 <= len(found) <= 50 else [f"{len(found)} blocks"]
    for block in found:
        parts = [block, *block.get("elements", ())]
        parts += [part["text"] for part in parts if isinstance(part.get("text"), dict)]
        for part in parts:
            for count, least, most in LIMITS[part["type"]]:
                if not least <= count(part) <= most:
                    broken.append(f"{part['type']}: {count(part)}")
        if block["type"] in TEXT_KINDS and block["text"]["type"] not in TEXT_KINDS[block["type"]]:
            broken.append(f"{block['type']} with {block['text']['type']}")
    return broken


@given(any_message)
def test_any_message_gives_blocks_that_slack_takes(message: Message) -> None:
    found = blocks(message)
    assert broken_limits(found) == []
    # the models of the official SDK check what they know of the limits
    parsed = Block.parse_all(found)
    assert len(parsed) == len(found)
    for each in parsed:
        each.validate_json()
    assert 1 <= len(fallback(message)) <= 3000


def texts_of(found: list[dict[str, Any]]) -> str:
    """Return all that a person reads."""
    said = []
    for block in found:
        said += [block["text"]["text"]] if "text" in block else []
        for element in block.get("elements", ()):
            text = element["text"]
            said.append(text["text"] if isinstance(text, dict) else text)
    return html.unescape("\n".join(said))


def test_everything_that_a_message_says_is_there() -> None:
    said = texts_of(blocks(firing()))
    for words in (
        "▮▮▮▮ Firing, critical: CPU above 90 %",
        "The machine is busy & <slow>.",
        "CPU 1 above 90 %",
        "97.2 % for 5 min; limit 90 % & held <5 min>",
        "High, cpu_percent_2, since 29 Nov 2026, 07:29:05 UTC",
        "3 more alerts are only counted here.",
        "CPU of the machine (%): from 40 to 100, at last 100. The limit is 90.",
        "1. Look at the largest jobs.",
        "support level 2",
        "message firing-0001",
    ):
        assert words in said


def test_buttons_are_links_and_the_first_one_acknowledges() -> None:
    (actions,) = [block for block in blocks(firing()) if block["type"] == "actions"]
    assert [(each["text"]["text"], each["url"]) for each in actions["elements"]] == [
        ("Acknowledge", f"{HOST}/alerts/acknowledge/signed/"),
        ("Runbook", f"{HOST}/runbook/#cpu"),
        ("Open in the console", f"{HOST}/alerts/1/"),
    ]
    assert [each.get("style") for each in actions["elements"]] == ["primary", None, None]


def test_what_has_no_room_is_counted() -> None:
    long = f"{HOST}/{'a' * 3000}"
    message = replace(
        firing(),
        alerts=tuple(line(number) for number in range(70)),
        actions=tuple(f"step {number}" for number in range(10)),
        runbook=long,
        console=long,
    )
    found = blocks(message)
    said = texts_of(found)
    assert len(found) < MAX_BLOCKS
    assert "53 more alerts are only counted here." in said
    assert "and 2 more steps" in said
    assert "2 links are too long for Slack; open the console." in said


def test_a_bare_message_has_a_head_and_a_foot() -> None:
    bare = replace(
        firing(), summary="", alerts=(), more=0, actions=(), picture=None, runbook="",
        acknowledge="", console="",
    )  # fmt: skip
    assert [block["type"] for block in blocks(bare)] == ["header", "context"]


def test_nobody_is_mentioned_by_what_somebody_wrote() -> None:
    found = blocks(replace(firing(), summary="<!channel> <https://evil.example|click>"))
    raw = found[1]["text"]["text"]
    assert raw == "&lt;!channel&gt; &lt;https://evil.example|click&gt;"
    assert found[1]["text"]["verbatim"] is True


@pytest.mark.parametrize(
    ("text", "limit", "found"),
    [("a<b", 10, "a&lt;b"), ("a<b", 6, "a&lt;b"), ("a<b", 5, "a…"), ("<<", 8, "&lt;&lt;")],
)
def test_an_escaped_text_is_never_cut_within_an_escape(text: str, limit: int, found: str) -> None:
    assert escaped(text, limit) == found


@given(st.text("ab<>&", max_size=40), st.integers(1, 60))
def test_an_escaped_text_keeps_to_its_limit(text: str, limit: int) -> None:
    found = escaped(text, limit)
    assert len(found) <= limit
    read = html.unescape(found)
    assert read == text or (read.endswith("…") and text.startswith(read[:-1]))
