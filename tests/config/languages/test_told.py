"""Stored English in the language of whoever reads it."""

from __future__ import annotations

from django.template import Context, Template
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from config.languages.told import listed, told

STORED = "99.20 % of 300 runs of both strategies succeeded, 99.50 % must."


def test_a_chinese_page_shows_stored_english_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert told(STORED) == "两种策略 的 300 次运行中有 99.20 % 成功，要求 99.50 %。"
        assert told(gettext_lazy("Nothing is wrong.")) == "没有异常。"


def test_an_english_page_and_no_language_at_all_show_what_is_stored() -> None:
    assert told(STORED) == STORED
    with translation.override(None):
        assert told(STORED) == STORED


def test_a_stored_text_is_escaped_whoever_called_it_safe_before() -> None:
    told(mark_safe("<i>x</i>"))
    shown = Template("{% load stored %}{{ text|told }}").render(Context({"text": "<i>x</i>"}))
    assert shown == "&lt;i&gt;x&lt;/i&gt;"


def test_parts_of_a_list_stand_side_by_side_as_the_language_has_them() -> None:
    assert listed(["a", 2]) == "a, 2"
    with translation.override("zh-hans"):
        assert listed(["a", 2]) == "a、2"
