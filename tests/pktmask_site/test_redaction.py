"""Nothing secret is written, wherever in an event it stands."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from pktmask_site.redaction import REDACTED, REDACTED_KEYS, is_named, redacted, scrubbed
from tests.pktmask_site.ecs_lines import logged

# what must never be written; no other text holds it
MARK = "Zq7-the-secret-Zq7"
PLAIN = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.none())
NAMES = st.builds(
    lambda before, part, after: f"{before}{part}{after}",
    st.sampled_from(["", "x_", "X-", "my"]),
    st.sampled_from(REDACTED_KEYS).map(str.title) | st.sampled_from(REDACTED_KEYS),
    st.sampled_from(["", "_head", "s", "Value"]),
)
HOLDERS: list[Callable[[str], Any]] = [
    lambda mark: mark.encode(),
    lambda mark: bytearray(mark.encode()),
    lambda mark: memoryview(mark.encode()),
    lambda mark: f"postgresql://user:{mark}@host:5432/name",
    lambda mark: f"https://{mark}:{mark}@host/path",
    lambda mark: f"Authorization: Bearer {mark}",
    lambda mark: f"basic {mark}, and more",
]
SECRETS = st.one_of(
    st.sampled_from(HOLDERS).map(lambda hold: hold(MARK)),
    st.builds(lambda name: {name: MARK}, NAMES),
    st.builds(lambda name: {name: {"deep": [MARK]}}, NAMES),
)
VALUES = st.recursive(
    PLAIN | SECRETS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_no_secret_is_left_in_any_value(value: Any) -> None:
    assert MARK not in repr(redacted(value))
    assert repr(MARK.encode())[2:-1] not in repr(redacted(value))


@settings(max_examples=30)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), VALUES, max_size=4), NAMES)
def test_no_secret_is_left_in_any_line(values: dict[str, Any], name: str) -> None:
    given_ = {f"x{key}": value for key, value in values.items()} | {name: MARK}
    with logged() as written:
        structlog.get_logger("pktmask.test").info("something_happened", **given_)
        logging.getLogger("pktmask.other").info("took %s and %r", MARK.encode(), [1])
        logging.getLogger("other").error("sent to https://u:%s@host/", MARK)
    text = written.getvalue()
    assert text.count("\n") == 3
    assert MARK not in text
    for line in text.splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("no secret: http://host/a:b@c", "no secret: http://host/a:b@c"),
        ("redis://:pw@host", f"redis://{REDACTED}@host"),
        ("BEARER abc.def", f"BEARER {REDACTED}"),
        ("the bearer", "the bearer"),
        (f"sent pktmask_{'a' * 43} twice", f"sent {REDACTED} twice"),
        ("pktmask_site.urls", "pktmask_site.urls"),
    ],
)
def test_a_text_keeps_what_is_no_credential(text: str, wanted: str) -> None:
    assert scrubbed(text) == wanted


def test_values_without_secrets_stay_as_they_are() -> None:
    value = {"packet": 7, "names": ["a", "b"], "share": 0.5, "none": None}
    assert redacted(value) == value
    assert not is_named("packet")
