"""YAML files of settings, value by value with their lines."""

from __future__ import annotations

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.layers import ConfigurationError, Given
from config.yaml_layer import MAX_FILE_BYTES, plain_value, read_yaml


def refused(data: bytes | str) -> str:
    with pytest.raises(ConfigurationError) as found:
        read_yaml(data if isinstance(data, bytes) else data.encode(), "a.yaml")
    (problem,) = found.value.problems
    return str(problem)


def test_values_come_with_the_line_on_which_they_stand() -> None:
    text = "# top\nkettle:\n  cups: 3\n\n  label: 'seven'  # why\nkitchen: {chairs: 4}\n"
    assert read_yaml(text.encode(), "a.yaml") == {
        "kettle": {
            "cups": Given(3, "a.yaml, line 3"),
            "label": Given("seven", "a.yaml, line 5"),
        },
        "kitchen": {"chairs": Given(4, "a.yaml, line 6")},
    }


@pytest.mark.parametrize("text", ["{}", "{}\n", "---\n{}\n...\n", "\ufeff{}"])
def test_no_settings_at_all_is_a_file_too(text: str) -> None:
    assert read_yaml(text.encode(), "a.yaml") == {}


@pytest.mark.parametrize("text", ["kettle:\n", "kettle:\n  # cups: 3\n", "kettle: ~", "kettle: {}"])
def test_a_section_may_have_no_settings(text: str) -> None:
    assert read_yaml(text.encode(), "a.yaml") == {"kettle": {}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("2.5", 2.5),
        ("true", True),
        ("False", False),
        ("legacy", "legacy"),
        ("'3'", "3"),
        ('"true"', "true"),
        ("~", None),
        ("null", None),
        ("", None),
        ("1_000", 1000),
        ("2026-13-45", "2026-13-45"),
        ("a b", "a b"),
    ],
)
def test_values_mean_what_yaml_says(text: str, value: object) -> None:
    assert read_yaml(f"a:\n  b: {text}\n".encode(), "f")["a"]["b"].value == value


MISTAKES: dict[str, tuple[bytes | str, str]] = {
    "nothing": ("", "a.yaml: the file is empty; write {} for no settings at all."),
    "only a comment": ("# x\n", "a.yaml: the file is empty; write {} for no settings at all."),
    "an empty document": ("---\n", "a.yaml: the file is empty; write {} for no settings at all."),
    "a list": ("- a\n", "a.yaml, line 1: expected sections, as in `trimming:`."),
    "a word": ("hello\n", "a.yaml, line 1: expected sections, as in `trimming:`."),
    "a section with a value": (
        "a:\n  b: 1\nc: 5\n",
        "a.yaml, line 3: expected the settings of c, each on a line of its own.",
    ),
    "a section with a list": (
        "a:\n- b\n",
        "a.yaml, line 2: expected the settings of a, each on a line of its own.",
    ),
    "a list as a value": (
        "a:\n  b: [1]\n",
        "a.yaml, line 2: a.b takes one value, not a list or a mapping.",
    ),
    "a mapping as a value": (
        "a:\n  b:\n    c: 1\n",
        "a.yaml, line 3: a.b takes one value, not a list or a mapping.",
    ),
    "a section twice": (
        "a:\n  b: 1\na:\n  c: 1\n",
        "a.yaml, line 3: a stands here for the second time.",
    ),
    "a setting twice": (
        "a:\n  b: 1\n  b: 1\n",
        "a.yaml, line 3: b stands here for the second time.",
    ),
    "a list as a key": (
        "a:\n  ? [b]\n  : 1\n",
        "a.yaml, line 2: expected a name, found a list or a mapping.",
    ),
    "a tab": (
        "a:\n\tb: 1\n",
        "a.yaml, line 2: a tab stands where YAML allows none; indent with spaces.",
    ),
    "an alias": (
        "a: &x\n  b: 1\nc: *x\n",
        "a.yaml, line 3: aliases such as *x are not used here; write the value.",
    ),
    "an alias of nothing": (
        "a:\n  b: *x\n",
        "a.yaml, line 2: aliases such as *x are not used here; write the value.",
    ),
    "a merge": (
        "a: &x\n  b: 1\nc:\n  <<: *x\n",
        "a.yaml, line 4: aliases such as *x are not used here; write the value.",
    ),
    "a tag": (
        "a:\n  b: !!python/name:os.system x\n",
        "a.yaml, line 2: tags such as tag:yaml.org,2002:python/name:os.system are not used here; "
        "write the value.",
    ),
    "two documents": (
        "a:\n  b: 1\n---\nc:\n  d: 1\n",
        "a.yaml, line 3: a second document begins here; a file has one.",
    ),
    "latin-1": (
        b"a:\n  b: caf\xe9\n",
        "a.yaml, line 2: the file is not UTF-8 text; save it as UTF-8.",
    ),
    "a picture": (b"\x89PNG\r\n", "a.yaml, line 1: the file is not UTF-8 text; save it as UTF-8."),
    "a control character": (
        "a:\n  b: \x07\n",
        "a.yaml, line 2: there is a control character; remove it.",
    ),
    "a huge file": (
        "#" * (MAX_FILE_BYTES + 1),
        "a.yaml: the file is larger than 262,144 bytes; it cannot be settings.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_gets_one_sentence_with_its_line(mistake: str) -> None:
    data, sentence = MISTAKES[mistake]
    assert refused(data) == sentence


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a:\n  b: 1\n c: 2\n", 3),
        ("a:\n  b: &\n", 2),
        ("a: {b: 1\n", 2),
        ("a:\n  b: 'x\n", 3),
        ("%YAML 9\n", 1),
        ("a:\n  b: @x\n", 2),
        ("a:\n  b: `x`\n", 2),
    ],
)
def test_what_is_no_yaml_is_told_with_a_line(text: str, line: int) -> None:
    assert refused(text).startswith(f"a.yaml, line {line}: this is no YAML: ")


def test_billions_of_laughs_are_refused_before_any_is_made() -> None:
    lines = ["a: &a\n  x: lol"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)}\n  x: *{chr(97 + n)}" for n in range(20)]
    assert "aliases such as *a are not used here" in refused("\n".join(lines))


def test_deep_nesting_ends_at_the_second_level() -> None:
    assert "takes one value" in refused("a:\n  b: " + "[" * 5000)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ConfigurationError):
        read_yaml(data, "a.yaml")


names = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True).filter(
    lambda name: plain_value(name) == name
)
values = st.one_of(st.booleans(), st.integers(-(10**6), 10**6), st.text("abc: #'\"é", max_size=8))


@given(st.dictionaries(names, st.dictionaries(names, values, max_size=4), max_size=4))
def test_what_a_library_writes_is_read_as_it_was(settings: dict[str, dict[str, object]]) -> None:
    found = read_yaml(yaml.safe_dump(settings, allow_unicode=True).encode(), "a.yaml")
    assert {s: {k: one.value for k, one in given.items()} for s, given in found.items()} == settings
