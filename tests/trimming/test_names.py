"""Names of captures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.names import MAX_NAME_CHARACTERS, NameRefusedError, as_file, checked_name, shown


@pytest.mark.parametrize("name", ["a.pcap", "Größe 1 (2).pcapng", "抓包.pcap.gz", " x.pcap "])
def test_plain_names_in_any_script_are_accepted(name: str) -> None:
    assert checked_name(name) == name.strip()


def test_a_name_is_kept_in_composed_form() -> None:
    assert checked_name("u\u0308.pcap") == "ü.pcap"


@pytest.mark.parametrize("name", ["../x.pcap", "a/b.pcap", "a\\b.pcap", "..", ".", "  "])
def test_paths_are_refused(name: str) -> None:
    with pytest.raises(NameRefusedError, match="holds a path"):
        checked_name(name)


@pytest.mark.parametrize("name", ["a\x00.pcap", "a\nb", "a\x1b[31m", "a\u202egnp.pcap", "a\u2028b"])
def test_control_and_direction_characters_are_refused_and_never_shown(name: str) -> None:
    with pytest.raises(NameRefusedError, match="control character") as caught:
        checked_name(name)
    assert caught.value.shown == "".join(c if c.isprintable() else "\ufffd" for c in name)


def test_a_name_that_is_too_long_is_refused_with_the_limit() -> None:
    with pytest.raises(NameRefusedError, match="has 300 characters, at most 200"):
        checked_name("n" * 300)
    assert checked_name("n" * MAX_NAME_CHARACTERS)


@given(st.text(max_size=400))
def test_what_is_shown_of_a_name_is_short_and_printable(name: str) -> None:
    assert len(shown(name)) <= 60
    assert "\x00" not in shown(name)
    assert "\n" not in shown(name)


def test_a_name_of_a_file_holds_no_path_and_nothing_that_is_not_seen() -> None:
    assert as_file("../a\\b\r\n\u202ec.pcap") == ".._a_b___c.pcap"
    assert as_file("ünï çödé 例.pcap") == "ünï çödé 例.pcap"
