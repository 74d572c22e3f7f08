"""Stored English, said in the other language."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.languages.catalogue import Entry, entries
from config.languages.sentences import MIN_LETTERS, PLACEHOLDER, TAG, Pattern, Sentences
from tests.config.languages.test_catalogue import COMPILED

SMALL: Final = Sentences(
    Entry(context, originals, translation)
    for context, originals, translation in (
        ("", ("Nothing is wrong.",), "没有问题。"),
        ("", ("open",), "打开"),
        ("door", ("open",), "开门"),
        ("", ("both strategies",), "两种策略"),
        ("", ("legacy",), "旧策略"),
        ("", ("The breaker of %(strategy)s is %(state)s.",), "%(strategy)s 的熔断器：%(state)s。"),
        ("", ("The evidence has turned: %(why)s",), "依据已变化：%(why)s"),
        ("", ("%(n)d leak is confirmed.", "%(n)d leaks are confirmed."), "%(n)d 处泄漏。"),
        ("", ("%(used).1f %% of runs succeeded.",), "%(used).1f %% 的运行成功。"),
        ("", ("by %(name)s",), "由 %(name)s"),
        ("", ("%(name)s took over from %(name)s.",), "%(name)s 自己接替。"),
        ("", ("Refused by %(name)s because %(reason)s",), "%(name)s 拒绝：%(reason)s"),
        ("", ("Evidence of %(name)s",), "%(name)s 的依据"),
        ("", ("one of: %(typed_choices)s",), "以下之一：%(typed_choices)s"),
        ("", ("%(name)s is at %(limit)s, must be below.",), "%(name)s 为 %(limit)s，须低于。"),
        ("", ("Type <b>%(word)s</b> to confirm",), "输入 <b>%(word)s</b>"),
        ("", ("%(a)s %(b)s",), "%(b)s %(a)s"),
        ("", ("%(a)s; %(b)s",), "%(a)s；%(b)s"),
        ("", ("%(typed_key)s must be %(allowed)s.",), "%(typed_key)s 应为 %(allowed)s。"),
        ("between the parts of a list", (", ",), "、"),
    )
)


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("Nothing is wrong.", "没有问题。"),
        # of one text under several contexts that without any is meant
        ("open", "打开"),
        # values that are messages are translated too, also in small letters
        ("The breaker of Legacy is open.", "旧策略 的熔断器：打开。"),
        ("The breaker of scanning is open.", "scanning 的熔断器：打开。"),
        # numbers are what they are, and a plural is either form
        ("1 leak is confirmed.", "1 处泄漏。"),
        ("12 leaks are confirmed.", "12 处泄漏。"),
        ("99.5 % of runs succeeded.", "99.5 % 的运行成功。"),
        # sentences within sentences, and side by side
        ("The evidence has turned: 3 leaks are confirmed.", "依据已变化：3 处泄漏。"),
        ("Nothing is wrong. 3 leaks are confirmed.", "没有问题。3 处泄漏。"),
        ("What somebody typed. Nothing is wrong.", "What somebody typed. 没有问题。"),
        ("Nothing is wrong.\n7 s", "没有问题。7 s"),
        # a list of what is known
        ("open, legacy", "打开、旧策略"),
        ("open, whatever", "open, whatever"),
        ("95.2 % open, 3 legacy", "95.2 % 打开、3 旧策略"),
        ("95.2 % whatever", "95.2 % whatever"),
        # few letters are a message only with values that are known
        ("by legacy", "由 旧策略"),
        ("by 29 h 32 min", "由 29 h 32 min"),
        ("by mistake", "by mistake"),
        # what is typed as it stands is no message, whatever it looks like
        ("one of: legacy, open", "以下之一：legacy, open"),
        # one name is one value
        ("anna took over from anna.", "anna 自己接替。"),
        ("anna took over from bert.", "anna took over from bert."),
        # what somebody typed may be more than a sentence
        ("Refused by anna because it was slow. Really.", "anna 拒绝：it was slow. Really."),
        # a sentence is no value of a message that is none, unless after a colon
        ("Evidence of x is at 7, must be below.", "x 的依据 为 7，须低于。"),
        # what is whole by itself is no part of a value
        ("Evidence of x; by legacy; open", "x 的依据；由 旧策略；打开"),
        ("Evidence of x; whatever", "x; whatever 的依据"),
        # names of programs are no words
        ("open must be legacy.", "open 应为 旧策略。"),
        # pages' texts and what anything could be are not looked for
        ("Type <b>x</b> to confirm", "Type <b>x</b> to confirm"),
        ("x y", "x y"),
        ("", ""),
        ("–", "–"),
    ],
)
def test_a_stored_text_is_said_in_the_other_language(stored: str, said: str) -> None:
    assert SMALL.translated(stored) == said


def test_what_is_long_or_has_much_to_look_up_stays_as_it_is() -> None:
    assert SMALL.translated("open, " * 1000) == "open, " * 1000
    many = ", ".join(f"x{number} y" for number in range(300))
    assert SMALL.translated(many) == many


def test_a_message_with_the_same_beginning_and_end_needs_both() -> None:
    pattern = Pattern(("aba", "aba"), ("x",), "")
    assert pattern.values("ababa") is None
    assert pattern.values("abaaba") == {"x": ""}


@cache
def chinese() -> Sentences:
    """Return the sentences of the catalogue."""
    return Sentences(entries(COMPILED.read_bytes()))


def stored_messages() -> list[tuple[str, str]]:
    """Return the messages with placeholders that are recognised whatever their values are."""
    return [
        (original, entry.translation)
        for entry in entries(COMPILED.read_bytes())
        for original in entry.originals
        if PLACEHOLDER.search(original)
        and not TAG.search(original)
        and sum(map(str.isalpha, PLACEHOLDER.sub("", original))) >= MIN_LETTERS
    ]


VALUES: Final = st.one_of(
    st.integers(0, 10**7).map("{:,}".format),
    st.floats(0, 100).map("{:.2f}".format),
    st.floats(0, 100).map("{:.1f} %".format),
    st.integers(1, 59).map("{0} min {0} s".format),
    st.from_regex(r"[a-z]{2,8}[0-9_-][a-z0-9]{1,8}(\.pcap)?", fullmatch=True),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(VALUES, min_size=8, max_size=8, unique=True))
def test_every_message_of_the_catalogue_is_found_again(values: list[str]) -> None:
    for original, translation in stored_messages():
        words = dict(zip(PLACEHOLDER.findall(original), values, strict=False))
        english, direct = (
            PLACEHOLDER.sub(r"%(\1)s", text) % words for text in (original, translation)
        )
        assert chinese().translated(english) == direct
