"""A result as people read it: figures, lines, pictures, the page of its own."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.trimming.ab_test.rows import comparison, result, row, side
from trimming.ab_test.captures import Choice
from trimming.ab_test.pictures import NO_DATA, PICTURES, draw
from trimming.ab_test.report import as_html
from trimming.ab_test.shown import (
    LOOKS,
    UNKNOWN,
    WORDS,
    found,
    gravest_first,
    is_clean,
    is_readable,
    lines,
    machine_facts,
    sentence,
    speed_ratio,
    tiles,
)
from trimming.ab_test.summary import summarise

HOSTILE = "<img src=x onerror=alert(1)>&.pcap"
LOST = side(None, outcome="strategy_failure", reason="its process was killed by signal SIGSEGV")
ROWS = [
    row(1),
    row(2, outcome="mismatched", compared=comparison(leaked=7), reason="7 bytes leaked"),
    row(3, outcome="failed", scanning=LOST, reason="scanning failed: killed", file=HOSTILE),
    row(4, outcome="refused", legacy=side(None), scanning=side(None), reason="both refuse it"),
]


def tile(summary: dict[str, Any], key: str) -> str:
    return next(f"{each.figure}, {each.note}" for each in tiles(summary) if each.key == key)


def test_every_outcome_has_a_word_and_a_look() -> None:
    outcomes = set(summarise([], seed=1)["outcomes"])
    assert outcomes == set(LOOKS) == set(WORDS)


def test_figures_are_shown_with_what_they_rest_on() -> None:
    summary = summarise(ROWS, seed=1)
    assert tile(summary, "leaked_bytes") == "7 B, in 1 capture; masked too much: 0 B"
    assert tile(summary, "agreement") == "50.0 %, 1 of 2 captures, 95 % interval 1.3 % to 98.7 %"
    assert tile(summary, "speed_ratio").startswith("2x, as fast as legacy, median")
    assert (
        tile(summary, "mismatch_bound")
        == "97.5 %, of captures differ at most, with 95 % confidence"
    )


def test_what_is_not_known_is_a_dash() -> None:
    summary = summarise([], seed=1)
    assert {each.figure for each in tiles(summary)} == {UNKNOWN, "0 B"}
    assert sentence(summary) == f"0 captures: {UNKNOWN}"


def test_the_gravest_captures_come_first() -> None:
    assert [each["outcome"] for each in gravest_first(ROWS)] == [
        "failed",
        "mismatched",
        "refused",
        "matched",
    ]


def test_a_line_of_a_capture_that_never_ended_shows_dashes() -> None:
    (line,) = lines([ROWS[3]])
    assert (line.seconds, line.memory, line.leaked) == ((UNKNOWN,) * 2, (UNKNOWN,) * 2, UNKNOWN)
    assert speed_ratio(ROWS[3]) is None


@pytest.mark.parametrize(
    ("search", "numbers"),
    [("", [1, 2, 3, 4]), ("CAPTURE-1", [1]), ("failed", [3]), ("zzz", []), (" refused ", [4])],
)
def test_captures_are_found_by_name_outcome_and_digest(search: str, numbers: list[int]) -> None:
    assert found(ROWS, search) == [ROWS[number - 1] for number in numbers]
    assert found(ROWS, ROWS[1]["digest"][:8]) == [ROWS[1]]


@pytest.mark.parametrize(
    ("rows", "clean"),
    [
        ([row(1)], True),
        ([row(1), ROWS[3]], True),
        ([row(1), ROWS[1]], False),
        ([row(1), ROWS[2]], False),
        # nothing was compared, so nothing is known
        ([ROWS[3]], False),
        ([], False),
    ],
)
def test_a_test_is_clean_when_something_matched_and_nothing_else_happened(
    rows: list[dict[str, Any]], clean: bool
) -> None:
    assert is_clean(summarise(rows, seed=1)) is clean


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"schema": "pktmask.ab_test", "version": 2}, {**result(ROWS), "captures": None}],
)
def test_what_is_no_result_of_this_version_is_not_read(value: object) -> None:
    assert not is_readable(value)
    assert is_readable(result(ROWS))


def test_a_machine_without_a_name_is_described_by_the_rest() -> None:
    machine = {**result([])["machine"], "cpu_model": None, "cores": 2}
    assert machine_facts(machine).startswith("2 cores, ")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("rows", [ROWS, [], [row(1)]], ids=["some", "none", "one"])
def test_a_picture_is_whole_svg_without_script_and_without_other_files(
    name: str, rows: list[dict[str, Any]]
) -> None:
    picture = draw(name, result(rows), alone=True)
    tags = {element.tag.rsplit("}", 1)[-1] for element in ElementTree.fromstring(picture).iter()}
    assert not tags & {"script", "image", "a", "foreignObject", "metadata"}
    assert "light-dark(" in picture
    assert not re.findall(r"#[0-9a-f]{6}", picture.split("</style>", 1)[1])
    assert (NO_DATA in picture) is (not rows)
    assert HOSTILE not in picture


def test_a_picture_of_the_same_numbers_is_the_same() -> None:
    assert draw("speed", result(ROWS), alone=False) == draw("speed", result(ROWS), alone=False)


class Page(HTMLParser):
    """What matters of a page: its tags, its ids, and what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} has {name}"
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value or "")


def test_the_page_of_its_own_needs_nothing_else_and_runs_nothing() -> None:
    choice = Choice(skipped=[("notes.txt", "no capture")], duplicates=[("b", "a")], left_out=3)
    text = as_html(result(ROWS, choice))
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "base"}
    assert all(address.startswith("#") for address in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    assert "prefers-color-scheme" in text or "color-scheme: light dark" in text
    assert text.count("<svg") == len(PICTURES)
    for words in (
        "notes.txt",
        "3 captures are not in the sample",
        "counted once",
        "7 bytes leaked",
    ):
        assert words in text


def test_a_hostile_name_stays_text_on_the_page() -> None:
    text = as_html(result(ROWS))
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;.pcap" in text


def test_a_result_is_what_its_json_says() -> None:
    made = result(ROWS, Choice(skipped=[("a", "b")], duplicates=[("c", "d")]))
    assert json.loads(json.dumps(made)) == made
