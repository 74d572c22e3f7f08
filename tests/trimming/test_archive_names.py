"""Names of results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.archive_names import distinct, result_name


@pytest.mark.parametrize(
    ("name", "is_pcapng", "expected"),
    [
        ("edge.pcap", False, "edge.trimmed.pcap"),
        ("edge.PCAPNG", True, "edge.trimmed.pcapng"),
        ("edge.pcap.gz", False, "edge.trimmed.pcap"),
        ("edge.pcapng.zst", True, "edge.trimmed.pcapng"),
        ("edge", False, "edge.trimmed.pcap"),
        ("edge.tar", False, "edge.tar.trimmed.pcap"),
        (".pcap", False, "capture.trimmed.pcap"),
        ("wrong.pcap", True, "wrong.trimmed.pcapng"),
    ],
)
def test_a_result_says_that_it_is_trimmed_and_what_it_is(
    name: str, is_pcapng: bool, expected: str
) -> None:
    assert result_name(name, is_pcapng) == expected


def test_equal_names_are_numbered() -> None:
    assert list(distinct(["a.pcap", "A.pcap", "a.pcap", "b", "b"])) == [
        "a.pcap",
        "A (2).pcap",
        "a (3).pcap",
        "b",
        "b (2)",
    ]


@given(st.lists(st.text(alphabet="aB.( 2)", max_size=6), max_size=12))
def test_no_two_names_in_an_archive_are_the_same_on_any_system(names: list[str]) -> None:
    given_out = list(distinct(names))
    assert len({name.lower() for name in given_out}) == len(names)
